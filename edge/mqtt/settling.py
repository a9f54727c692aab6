"""What the broker has acknowledged and may yet forget.

A broker says that it has an event when the event is in its memory, mosquitto even before its consumers have it. One that was killed had
taken 344 of 10,001 events with it. So an acknowledgement counts for good only once the broker has answered what was sent `settle_s` later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

TOGETHER_S = 0.5
"""Acknowledgements of so long settle together: the outbox stores that in one transaction."""


class Settling:
    """Bookkeeping only; the time is passed in. What settles is kept in the outbox: here are the sequences of one connection."""

    def __init__(self, settle_s: float) -> None:
        self.settle_s = settle_s
        self._batches: deque[tuple[float, float, list[int]]] = deque()  # begun, last added to, sequences

    def acknowledged(self, sequences: Iterable[int], now: float) -> None:
        """The broker has answered for events."""
        begun, batch = now, list[int]()
        if self._batches and now - self._batches[-1][0] < TOGETHER_S:
            begun, _, batch = self._batches.pop()
        batch += sequences
        self._batches.append((begun, now, batch))

    def settled(self, alive_s: float) -> list[int]:
        """The events that it had answered for `settle_s` before a moment at which it was alive, each told once.

        That the connection is up tells nothing: it stays so for a keep-alive when the broker's host has lost its power.
        """
        found: list[int] = []
        while self._batches and self._batches[0][1] + self.settle_s <= alive_s:
            found += self._batches.popleft()[2]
        return found

    def forget(self) -> None:
        """The connection has ended: what had not settled is the outbox's to recall."""
        self._batches.clear()
