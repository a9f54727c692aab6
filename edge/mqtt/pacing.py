"""How much is sent at once, and when what failed is tried again: bookkeeping only, the time is passed in."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edge.outbox import Row

RETRY_FIRST_S = 1.0
RETRY_MOST_S = 60.0


class Backoff:
    """Waits that double from `first_s` to `most_s`, each shortened at random so that a fleet does not come back all at once."""

    def __init__(self, first_s: float, most_s: float, rng: np.random.Generator) -> None:
        self._first_s, self._most_s, self._rng = first_s, most_s, rng
        self._next_s = first_s

    def wait_s(self) -> float:
        wait_s = self._next_s * float(self._rng.uniform(0.5, 1.0))
        self._next_s = min(2 * self._next_s, self._most_s)
        return wait_s

    def reset(self) -> None:
        self._next_s = self._first_s


class Window:
    """What was sent and is not yet acknowledged, and how much more may be.

    A message that a broker cannot bear ends the connection, and nobody says which one it was. So after a loss one event goes alone and,
    while events arrive, more at a time; an event that was alone when its connection was lost, again, is the culprit.
    """

    def __init__(self, most: int) -> None:
        self._most = self._ceiling = self.limit = most
        self.newest_s = float("-inf")  # when the latest message that was answered had been sent: the broker was alive then
        self._sent: dict[int, tuple[Row | None, float]] = {}  # message id → the row, or None where it is no event; when
        self._answered_s = 0.0
        self._overlooked: dict[int, Row] = {}  # message id → an event given up: the broker still counts it as under way

    def open(self, receive_maximum: int) -> None:
        """A new connection, whose broker takes so many messages at a time."""
        self._ceiling = max(1, min(self._most, receive_maximum))
        self.limit = min(self.limit, self._ceiling)

    def sent(self, mid: int, row: Row | None, now: float) -> None:
        self._sent[mid] = (row, now)

    def answered(self, mid: int, now: float) -> Row | None:
        """An answer has come → the event that it is about."""
        self._answered_s = now
        if mid in self._overlooked:
            return self._overlooked.pop(mid)
        row, when = self._sent.pop(mid, (None, self.newest_s))
        self.newest_s = max(self.newest_s, when)
        if row is not None:
            self.limit = min(self._ceiling, self.limit + 1)
        return row

    def overlooked(self, now: float, patience_s: float) -> list[Row]:
        """Give up events that have no answer though later messages have → those.

        Ending the connection for one and asking which it was took ack_timeout_s for each, and everything waited for two minutes.
        """
        late = [mid for mid, (row, when) in self._sent.items() if row and when < self.newest_s and now - when > patience_s]
        found = {mid: row for mid in late if (row := self._sent.pop(mid)[0])}
        self._overlooked |= found
        return _each_once(found.values())

    @property
    def clogged(self) -> bool:
        """So much was given up that what the broker takes at a time is mostly used up: a new connection makes it forget."""
        return len(self._overlooked) > self.limit / 2

    def lost(self) -> Row | None:
        """The connection has ended with what is in flight → the event that must have ended it, if that can be told."""
        rows = self.rows
        fresh = [row for row in rows if row.tries == 0]
        alone = len(rows) == 1 and (self.limit == 1 or not fresh)
        if fresh:
            self.limit = 1
        self._sent.clear()
        self._overlooked.clear()
        return rows[0] if alone else None

    @property
    def rows(self) -> list[Row]:
        """The events under way, each once, however many messages it has."""
        return _each_once(row for row, _ in self._sent.values() if row is not None)

    @property
    def in_flight(self) -> int:
        return len(self._sent)

    @property
    def room(self) -> int:
        return max(0, self.limit - len(self._sent) - len(self._overlooked))

    def waited_s(self, now: float) -> float:
        """How long the oldest message has been waiting for its answer."""
        return now - min((when for _, when in self._sent.values()), default=now)

    def quiet_s(self, now: float) -> float:
        """How long there has been no answer at all, though one is owed: a slow line is not a dead one."""
        return min(self.waited_s(now), now - self._answered_s)


def _each_once(rows: Iterable[Row]) -> list[Row]:
    return list({row.sequence: row for row in rows}.values())


class Retries:
    """When events that the broker refused are offered again: one alone, later and later; more at a time once it takes them."""

    def __init__(self) -> None:
        self.room = 1
        self._wait_s = RETRY_FIRST_S
        self._due_s: float | None = 0.0  # None: there are none; at the start there may be some, of an earlier run

    def due(self, now: float) -> bool:
        return self._due_s is not None and now >= self._due_s

    def refused(self, now: float, again: bool) -> None:
        """The broker refused events; `again`: those that were being retried."""
        self.room = 1
        if again or self._due_s is None:
            self._due_s = now + self._wait_s
            self._wait_s = min(2 * self._wait_s, RETRY_MOST_S)

    def taken(self, now: float, most: int) -> None:
        self.room = min(2 * self.room, most)
        self._wait_s = RETRY_FIRST_S
        self._due_s = now

    def none_left(self) -> None:
        self._due_s = None
        self._wait_s = RETRY_FIRST_S
