"""What the consumer owes: events that the broker has taken and that count as done only once the consumer says that it has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from edge.outbox import Row

PATIENCE_MOST_S = 600.0


@dataclass(frozen=True, slots=True)
class Overdue:
    """What to do about events that the consumer has not acknowledged in time."""

    unwanted: tuple[Row, ...] = ()  # it acknowledged others that were published later: these it does not want
    silent: bool = False  # it says nothing at all: everything must be published again


class Consumer:
    """Bookkeeping only; the time is passed in. `patience_s` doubles while the consumer is silent."""

    def __init__(self, patience_s: float) -> None:
        self._first_s = self._patience_s = patience_s
        self._owed: dict[int, tuple[Row, float]] = {}  # by sequence: the row, and since when
        self._early: set[int] = set()  # acknowledged by the consumer before the broker did
        self._heard_s = float("-inf")
        self._newest_s = float("-inf")  # when the latest event that it has acknowledged was published

    def published(self, rows: Iterable[Row], now: float) -> list[Row]:
        """The broker has taken events → those that the consumer has acknowledged already."""
        done = []
        for row in rows:
            if row.sequence in self._early:
                self._early.discard(row.sequence)
                done.append(row)
            else:
                self._owed[row.sequence] = (row, now)
        return done

    def acknowledged(self, sequences: Iterable[int], in_flight: Collection[int], now: float) -> list[Row]:
        """The consumer has committed events → those of them that it owed."""
        self._heard_s, self._patience_s = now, self._first_s
        done = []
        for sequence in sequences:
            if sequence in self._owed:
                row, since = self._owed.pop(sequence)
                self._newest_s = max(self._newest_s, since)
                done.append(row)
            elif sequence in in_flight:
                self._early.add(sequence)
        return done

    def overdue(self, now: float) -> Overdue:
        late = [(row, since) for row, since in self._owed.values() if now - since > self._patience_s]
        unwanted = tuple(row for row, since in late if since < self._newest_s)
        for row in unwanted:
            del self._owed[row.sequence]
        if unwanted or not late or now - self._heard_s <= self._patience_s:  # one that is slow, and takes all in turn, is let be
            return Overdue(unwanted)
        self._patience_s = min(2 * self._patience_s, PATIENCE_MOST_S)
        self.forget()
        return Overdue(silent=True)

    def forget(self) -> list[int]:
        """What was published may be lost, and is going to be published again → the sequences of which we know better."""
        early = list(self._early)
        self._owed.clear()
        self._early.clear()
        return early

    @property
    def sequences(self) -> Collection[int]:
        return self._owed.keys()
