"""Which sequences of an outbox are missing: counted in ranges, since a fleet's day has millions of sequences and few gaps."""

from __future__ import annotations

from bisect import bisect_left

MOST_RANGES = 1000
"""More holes than that are no longer told apart: the oldest are lost for good."""


class Sequences:
    """Of one outbox, from the first one heard on: what came before that was somebody else's to hear."""

    def __init__(self, first: int) -> None:
        self.first = self.last = first
        self.lost = 0  # given up, for want of room
        self._missing: list[tuple[int, int]] = []  # ranges, both ends in them, in order

    def take(self, sequence: int) -> bool:
        """A sequence was heard → whether for the first time."""
        if sequence > self.last:
            if sequence > self.last + 1:
                self._missing.append((self.last + 1, sequence - 1))
            self.last = sequence
            self._forget()
            return True
        at = bisect_left(self._missing, (sequence + 1,)) - 1
        if at < 0 or not self._missing[at][0] <= sequence <= self._missing[at][1]:
            return False
        low, high = self._missing[at]
        self._missing[at : at + 1] = [(a, b) for a, b in ((low, sequence - 1), (sequence + 1, high)) if a <= b]
        return True

    @property
    def missing(self) -> int:
        """How many are still to come, or never will."""
        return self.lost + sum(high - low + 1 for low, high in self._missing)

    def _forget(self) -> None:
        while len(self._missing) > MOST_RANGES:
            low, high = self._missing.pop(0)
            self.lost += high - low + 1
