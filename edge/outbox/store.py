"""The outbox's database: how it is opened, what is in it, and the few statements that touch it. One connection, one thread."""

from __future__ import annotations

import logging
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

VERSION = 1
TABLES = """
    CREATE TABLE meta (uuid TEXT NOT NULL, run INTEGER NOT NULL) STRICT;
    CREATE TABLE event (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused, not even after the last row is gone
        topic TEXT NOT NULL,                         -- below the device's: "<camera>/plate"
        body BLOB NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,            -- times that the broker refused it
        accepted_utc_s REAL NOT NULL
    ) STRICT;
    CREATE INDEX event_by_tries ON event (tries, sequence);
"""
PRAGMAS = (
    "locking_mode = EXCLUSIVE",  # two daemons on one outbox would each publish and count it
    "journal_mode = WAL",
    "synchronous = FULL",  # NORMAL may roll committed rows back when the power goes
    "wal_autocheckpoint = 256",  # pages: the log stays near a megabyte
    "journal_size_limit = 4194304",
)


class StoreError(RuntimeError):
    """The database cannot be opened; the message names the file and says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A stored event, ready to send."""

    sequence: int
    topic: str
    body: bytes
    tries: int


class Store:
    """The open database. Every method but `commit` works inside the transaction that `begin` starts."""

    def __init__(self, db: sqlite3.Connection, outbox: str, run: int) -> None:
        self.uuid, self.run = outbox, run
        self._db = db

    def begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        if self._db.in_transaction:  # SQLite itself has rolled back after some errors, a full disk among them
            self._db.execute("ROLLBACK")

    def insert(self, topic: str, body_of: Callable[[int], bytes]) -> int:
        """Store an event, whose body may hold the sequence that it is given here."""
        sequence = self.last_sequence() + 1
        row = (sequence, topic, body_of(sequence), time.time())
        self._db.execute("INSERT INTO event (sequence, topic, body, accepted_utc_s) VALUES (?, ?, ?, ?)", row)
        return sequence

    def delete(self, sequences: Iterable[int]) -> int:
        """Forget events; how many there were of them."""
        return self._db.executemany("DELETE FROM event WHERE sequence = ?", ((each,) for each in sequences)).rowcount

    def postpone(self, sequences: Iterable[int]) -> None:
        self._db.executemany("UPDATE event SET tries = tries + 1 WHERE sequence = ?", ((each,) for each in sequences))

    def fresh(self, after: int, limit: int) -> list[Row]:
        return self._rows("WHERE tries = 0 AND sequence > ? ORDER BY sequence LIMIT ?", after, limit)

    def refused(self, limit: int) -> list[Row]:
        return self._rows("WHERE tries > 0 ORDER BY tries, sequence LIMIT ?", limit)

    def count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM event").fetchone()[0])

    def last_sequence(self) -> int:
        found = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
        return int(found[0]) if found else 0

    def close(self) -> None:
        self._db.close()

    def _rows(self, where: str, *values: int) -> list[Row]:
        return [Row(*row) for row in self._db.execute(f"SELECT sequence, topic, body, tries FROM event {where}", values)]


def open_store(path: Path, size_mb: int) -> Store:
    """Open or make the database; one that is damaged is set aside first, so that a device never hangs on a bad file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _open(path, size_mb)
    except sqlite3.OperationalError as error:
        raise StoreError(f"{path}: cannot be opened ({error}); is another daemon using it, and may this one write there?") from error
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened ({error.strerror}); outbox.path must be in a folder that may be written") from error
    except sqlite3.DatabaseError as error:  # not a database, or malformed
        log.error("%s: damaged (%s); set aside as %s, a new outbox begins", path, error, _set_aside(path))
        return _open(path, size_mb)


def _open(path: Path, size_mb: int) -> Store:
    db = sqlite3.connect(path, timeout=2, isolation_level=None)
    try:
        for pragma in PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        _refuse_damaged(db)
        page = int(db.execute("PRAGMA page_size").fetchone()[0])
        db.execute(f"PRAGMA max_page_count = {size_mb * (1 << 20) // page}")
        return Store(db, *_begin_run(db))
    except BaseException:
        db.close()
        raise


def _refuse_damaged(db: sqlite3.Connection) -> None:
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _begin_run(db: sqlite3.Connection) -> tuple[str, int]:
    """Make the tables where there are none, and count this opening → (uuid, run)."""
    found = int(db.execute("PRAGMA user_version").fetchone()[0])
    if found > VERSION:
        raise sqlite3.OperationalError(f"written by a newer Kerbside: version {found}, this one knows {VERSION}")
    if found == 0:
        db.executescript(f"BEGIN; {TABLES} INSERT INTO meta VALUES ('{uuid.uuid4().hex}', 0); PRAGMA user_version = {VERSION}; COMMIT")
    outbox, run = db.execute("UPDATE meta SET run = run + 1 RETURNING uuid, run").fetchall()[0]
    return str(outbox), int(run)


def _set_aside(path: Path) -> Path:
    """Rename the database and its log, which may still hold something to rescue."""
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
