"""The outbox's statements: all SQL that touches an event. One connection, one thread."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from edge.outbox.erasure import Erased, erase

log = logging.getLogger(__name__)

FRESH, REPLAY, REFUSED = 0, 1, 2
"""The lanes of what is to be sent; an event that is done has none."""
CLOCK_SET_UTC_S = 1_735_689_600.0
"""2025: a board without a battery wakes up in 1970, and what it accepts before it hears the time has no age to judge it by."""


@dataclass(frozen=True, slots=True)
class Row:
    """A stored event, ready to send."""

    sequence: int
    topic: str
    body: bytes
    tries: int
    lane: int = FRESH


@dataclass(frozen=True, slots=True)
class Done:
    """How many events have arrived, and how many of those and of earlier ones are gone for good."""

    arrived: int = 0
    gone: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """What is in the database."""

    backlog: int
    kept: int
    dead_letters: int
    last_sequence: int
    tally: dict[str, int]


class Store:
    """The open database. Every method that writes works inside the transaction that `begin` starts and `commit` ends."""

    def __init__(self, db: sqlite3.Connection, outbox: str, run: int, most_pages: int) -> None:
        self.uuid, self.run, self.most_pages = outbox, run, most_pages
        self._db = db
        self._erased = False

    def begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._db.execute("COMMIT")
        if self._erased:
            self._empty_log()

    def rollback(self) -> None:
        if self._db.in_transaction:  # SQLite itself has rolled back after some errors, a full disk among them
            self._db.execute("ROLLBACK")

    def insert(self, topic: str, body_of: Callable[[int], bytes]) -> int:
        """Store an event, whose body may hold the sequence that it is given here."""
        sequence = self.last_sequence() + 1
        row = (sequence, topic, body_of(sequence), time.time())
        self._db.execute("INSERT INTO event (sequence, topic, body, accepted_utc_s) VALUES (?, ?, ?, ?)", row)
        return sequence

    def finish(self, sequences: Sequence[int], keep: bool, settling: bool = False) -> Done:
        """Events have arrived: keep them for a replay, or forget them; in any case keep them while they are `settling`."""
        if settling:
            self._each("INSERT OR IGNORE INTO settling SELECT sequence FROM event WHERE sequence = ? AND lane IS NOT NULL", sequences)
        arrived = self._each("UPDATE event SET lane = NULL WHERE sequence = ? AND lane IS NOT NULL", sequences)
        return Done(arrived) if settling else replace(self.settle(sequences, keep), arrived=arrived)

    def settle(self, sequences: Sequence[int], keep: bool) -> Done:
        """Events have arrived for good: nobody will recall them."""
        self._each("DELETE FROM settling WHERE sequence = ?", sequences)
        return Done(gone=0 if keep else self._each("DELETE FROM event WHERE sequence = ? AND lane IS NULL", sequences))

    def confirm(self, sequences: Sequence[int], keep: bool) -> Done:
        """Somebody has events for good. Those that were not settling are passed over: no broker had acknowledged them."""
        settling = [each for each in sequences if self._number("SELECT count(*) FROM settling WHERE sequence = ?", each)]
        return self.finish(settling, keep)

    def recall(self, after: int, limit: int) -> list[int]:
        """Offer up to `limit` events again that had not settled → their sequences."""
        where = "lane IS NULL AND sequence > ? ORDER BY sequence LIMIT ?"
        return self._offer(self._db.execute(f"SELECT sequence FROM settling JOIN event USING (sequence) WHERE {where}", (after, limit)))

    def postpone(self, sequences: Iterable[int]) -> int:
        """Put events behind all others."""
        return self._each(f"UPDATE event SET lane = {REFUSED}, tries = tries + 1 WHERE sequence = ? AND lane IS NOT NULL", sequences)

    def refuse(self, sequences: Iterable[int], reason: str, most: int) -> int:
        """Put events behind all others; those refused `most` times become dead letters → how many did."""
        postponed = f"lane = {REFUSED}, tries = tries + 1, refusals = refusals + 1"
        copied = "sequence, refusals, ?, ?, accepted_utc_s, topic, body"
        dead = 0
        for each in sequences:
            self._db.execute(f"UPDATE event SET {postponed} WHERE sequence = ? AND lane IS NOT NULL", (each,))
            where = "WHERE sequence = ? AND lane IS NOT NULL AND refusals >= ?"
            self._db.execute(f"INSERT OR REPLACE INTO dead SELECT {copied} FROM event {where}", (reason, time.time(), each, most))
            dead += self._db.execute(f"DELETE FROM event {where}", (each, most)).rowcount
        self.tally("dead", dead)
        return dead

    def fresh(self, after: int, limit: int) -> list[Row]:
        return self._rows("WHERE lane = ? AND tries = 0 AND sequence > ? ORDER BY sequence LIMIT ?", FRESH, after, limit)

    def replays(self, limit: int) -> list[Row]:
        return self._rows("WHERE lane = ? ORDER BY tries, sequence LIMIT ?", REPLAY, limit)

    def refused(self, limit: int) -> list[Row]:
        return self._rows("WHERE lane = ? ORDER BY tries, sequence LIMIT ?", REFUSED, limit)

    def unsettled(self) -> int:
        """Events that a broker may have forgotten, sent again or about to be."""
        return self._number("SELECT count(*) FROM settling")

    def replay(self, since_utc_s: float, until_utc_s: float, after: int, limit: int) -> list[int]:
        """Offer up to `limit` delivered events of a time again → their sequences."""
        where = "lane IS NULL AND sequence > ? AND accepted_utc_s BETWEEN ? AND ? ORDER BY sequence LIMIT ?"
        return self._offer(self._db.execute(f"SELECT sequence FROM event WHERE {where}", (after, since_utc_s, until_utc_s, limit)))

    def revive(self, since_utc_s: float, until_utc_s: float, limit: int) -> list[int]:
        """Offer up to `limit` dead letters of a time again, as if nobody had refused them."""
        where = "WHERE accepted_utc_s BETWEEN ? AND ? ORDER BY sequence LIMIT ?"
        found = [int(each) for (each,) in self._db.execute(f"SELECT sequence FROM dead {where}", (since_utc_s, until_utc_s, limit))]
        columns = "sequence, accepted_utc_s, topic, body"
        self._each(f"INSERT INTO event (lane, {columns}) SELECT {REPLAY}, {columns} FROM dead WHERE sequence = ?", found)
        self._each("DELETE FROM dead WHERE sequence = ?", found)
        return found

    def erase(self, texts: Collection[str]) -> Erased:
        """Take the events of vehicles out that were read as one of these texts."""
        self._erased = True
        return erase(self._db, texts)

    def prune(self, limit: int, before_utc_s: float | None = None) -> int:
        """Forget delivered events, the oldest first, or those of before a moment that have settled."""
        settled = "sequence NOT IN (SELECT sequence FROM settling)"
        old = "" if before_utc_s is None else f"AND accepted_utc_s BETWEEN {CLOCK_SET_UTC_S} AND {before_utc_s} AND {settled}"
        chosen = f"SELECT sequence FROM event WHERE lane IS NULL {old} ORDER BY accepted_utc_s LIMIT {limit}"
        return self._db.execute(f"DELETE FROM event WHERE sequence IN ({chosen})").rowcount

    def expire(self, limit: int, before_utc_s: float | None = None) -> int:
        """Give events up that nobody has taken, the oldest first, or those of before a moment."""
        old = "" if before_utc_s is None else f"AND accepted_utc_s BETWEEN {CLOCK_SET_UTC_S} AND {before_utc_s}"
        chosen = f"SELECT sequence FROM event WHERE lane IS NOT NULL {old} ORDER BY sequence LIMIT {limit}"
        return self._db.execute(f"DELETE FROM event WHERE sequence IN ({chosen})").rowcount

    def drop_dead(self, limit: int) -> int:
        return self._db.execute(f"DELETE FROM dead WHERE sequence IN (SELECT sequence FROM dead ORDER BY sequence LIMIT {limit})").rowcount

    def tally(self, name: str, count: int) -> None:
        """Add to a count that outlives the process."""
        if count:
            add = "INSERT INTO tally VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"
            self._db.execute(add, (name, count))

    def counts(self) -> Counts:
        return Counts(
            backlog=self._number("SELECT count(*) FROM event WHERE lane IS NOT NULL"),
            kept=self._number("SELECT count(*) FROM event WHERE lane IS NULL"),
            dead_letters=self._number("SELECT count(*) FROM dead"),
            last_sequence=self.last_sequence(),
            tally=dict(self._db.execute("SELECT name, value FROM tally").fetchall()),
        )

    def last_sequence(self) -> int:
        found = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
        return int(found[0]) if found else 0

    def pages(self) -> int:
        """In use: what SQLite has freed inside the file counts as room."""
        return self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")

    def close(self) -> None:
        self._db.close()

    def _empty_log(self) -> None:
        """What was erased is in no page any more, and still in the log that brought it there."""
        self._erased = False
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:  # committed it is: the next checkpoint does it
            log.warning("the log still holds what was erased, until its next checkpoint: %s", error)

    def _offer(self, chosen: Iterable[tuple[int]]) -> list[int]:
        """Events that are done are to be sent once more → their sequences."""
        found = [int(each) for (each,) in chosen]
        self._each(f"UPDATE event SET lane = {REPLAY}, tries = 0 WHERE sequence = ?", found)
        return found

    def _each(self, statement: str, sequences: Iterable[int]) -> int:
        return self._db.executemany(statement, ((each,) for each in sequences)).rowcount

    def _number(self, query: str, *values: int) -> int:
        return int(self._db.execute(query, values).fetchone()[0])

    def _rows(self, where: str, *values: int) -> list[Row]:
        return [Row(*row) for row in self._db.execute(f"SELECT sequence, topic, body, tries, lane FROM event {where}", values)]
