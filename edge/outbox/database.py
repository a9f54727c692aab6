"""The outbox's file: how it is opened, what is in it, what its errors mean, and where a damaged one goes."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import time
import uuid
from pathlib import Path

from edge.outbox.store import Store

log = logging.getLogger(__name__)

VERSION = 3
FIRST = """
    CREATE TABLE meta (uuid TEXT NOT NULL, run INTEGER NOT NULL) STRICT;
    CREATE TABLE event (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused, not even after the last row is gone
        tries INTEGER NOT NULL DEFAULT 0,            -- times that it was put behind all others
        accepted_utc_s REAL NOT NULL,
        lane INTEGER DEFAULT 0,                      -- 0 fresh, 1 to be replayed, 2 refused; NULL: done, and kept for a replay
        refusals INTEGER NOT NULL DEFAULT 0,         -- times that somebody did not want it
        topic TEXT NOT NULL,                         -- below the device's: "<camera>/plate"
        body BLOB NOT NULL
    ) STRICT;
"""
SECOND = """
    CREATE INDEX event_waiting ON event (lane, tries, sequence, accepted_utc_s) WHERE lane IS NOT NULL;
    CREATE INDEX event_done ON event (accepted_utc_s) WHERE lane IS NULL;
    CREATE TABLE dead (
        sequence INTEGER PRIMARY KEY,
        refusals INTEGER NOT NULL,
        reason TEXT NOT NULL,
        dead_utc_s REAL NOT NULL,
        accepted_utc_s REAL NOT NULL,
        topic TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE tally (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
"""
THIRD = """
    CREATE TABLE settling (  -- done, but for a broker that may forget them yet
        sequence INTEGER PRIMARY KEY REFERENCES event ON DELETE CASCADE
    ) STRICT;
"""
FROM_1 = """
    ALTER TABLE event ADD COLUMN lane INTEGER DEFAULT 0;
    ALTER TABLE event ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
    UPDATE event SET lane = 2 WHERE tries > 0;
    DROP INDEX event_by_tries;
"""
PRAGMAS = (
    "locking_mode = EXCLUSIVE",  # two daemons on one outbox would each publish and count it
    "journal_mode = WAL",
    "foreign_keys = ON",
    "secure_delete = ON",  # what is delivered, expired or erased is overwritten: nobody reads it off a card that was taken
    "synchronous = FULL",  # NORMAL may roll committed rows back when the power goes
    "cache_size = -512",  # KiB; the default 2 MiB fills over a thousand events and looks like a leak until then
    "wal_autocheckpoint = 256",  # pages: the log stays near a megabyte
    "journal_size_limit = 4194304",
)
FULL = "database or disk is full"
DISK = (FULL, "disk I/O error", "readonly database")
DISK_ERRNOS = (errno.EROFS, errno.ENOSPC, errno.EIO, errno.EDQUOT)
SMALL_BYTES = 64 << 20
"""A card that reads 20 MB/s checks as much in three seconds, and 512 MB in half a minute."""
SET_ASIDE = 3
"""Damaged databases kept; older ones go, so that a dying card is not filled by its own wrecks."""


class StoreError(RuntimeError):
    """The database cannot be opened, and somebody must mend that; the message names the file and says why and what to do."""


class DiskError(RuntimeError):
    """The disk is full, read-only or broken: that may pass by itself."""


def open_store(path: Path, size_mb: int, run: int | None = None, after: int = 0) -> Store:
    """Open or make the database. Raises StoreError, DiskError, or sqlite3.DatabaseError where it is damaged.

    `run`: that of this process, which has had it open before; it is then neither counted nor checked again, since that takes seconds.
    `after`: the last sequence that this process has seen, above which a new database begins.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _open(path, size_mb, run, after)
    except sqlite3.OperationalError as error:
        if is_disk(error, path):
            raise DiskError(str(error)) from error
        raise StoreError(f"{path}: cannot be opened ({error}); is another daemon using it, and may this one write there?") from error
    except OSError as error:
        if error.errno in DISK_ERRNOS:
            raise DiskError(error.strerror) from error
        raise StoreError(f"{path}: cannot be opened ({error.strerror}); outbox.path must be in a folder that may be written") from error


def is_disk(error: sqlite3.Error, path: Path) -> bool:
    """Whether the disk is to blame. (By SQLite's words: Python 3.10 does not hand its codes on.)"""
    if "readonly" in str(error) or "unable to open" in str(error):  # the disk's fault, or that of one who may not write there?
        return _may_be_written(path)
    return any(text in str(error) for text in DISK)


def is_damage(error: BaseException) -> bool:
    """Malformed, no database, or with rows that cannot be. OperationalError is of the disk, ProgrammingError of ours."""
    return type(error) in (sqlite3.DatabaseError, sqlite3.IntegrityError, sqlite3.InternalError)


def set_aside(path: Path) -> Path:
    """Rename the database and its log, which may still hold something to rescue. Raises OSError."""
    for old in sorted(path.parent.glob(f"{path.name}.damaged-*"))[: -3 * SET_ASIDE]:  # three files each, at most
        old.unlink()
        log.warning("%s: removed, there are newer ones", old)
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def _open(path: Path, size_mb: int, run: int | None, after: int) -> Store:
    suspect = run is None and _is_suspect(path)
    db = sqlite3.connect(path, timeout=2, isolation_level=None)
    try:
        for pragma in PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        if suspect:
            _refuse_damaged(db)
        most_pages = size_mb * (1 << 20) // int(db.execute("PRAGMA page_size").fetchone()[0])
        db.execute(f"PRAGMA max_page_count = {most_pages}")
        _make_tables(db, after)
        counted = "run + 1" if run is None else str(run)  # either way a write: a disk that takes none is found here
        found = db.execute(f"UPDATE meta SET run = {counted} RETURNING uuid, run").fetchall()[0]
        return Store(db, str(found[0]), int(found[1]), most_pages)
    except BaseException:
        db.close()
        raise


def _is_suspect(path: Path) -> bool:
    """Whether to read all of it before it is trusted: what was left without a goodbye, and what is small enough to be read in no time.

    A large one that was closed in order is taken at its word; damage that shows in use is dealt with there.
    """
    return path.with_name(f"{path.name}-wal").exists() or (path.exists() and path.stat().st_size < SMALL_BYTES)


def _refuse_damaged(db: sqlite3.Connection) -> None:
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _make_tables(db: sqlite3.Connection, after: int) -> None:
    """Make the tables where there are none, and bring those of an earlier version up to this one."""
    found = int(db.execute("PRAGMA user_version").fetchone()[0])
    if found > VERSION:
        raise sqlite3.OperationalError(f"written by a newer Kerbside: version {found}, this one knows {VERSION}")
    if found == 0:
        begin = f"INSERT INTO meta VALUES ('{uuid.uuid4().hex}', 0); INSERT INTO sqlite_sequence VALUES ('event', {after});"
        db.executescript(f"BEGIN; {FIRST} {SECOND} {THIRD} {begin} PRAGMA user_version = {VERSION}; COMMIT")
    elif found < VERSION:
        steps = {1: f"{FROM_1} {SECOND} {THIRD}", 2: THIRD}
        db.executescript(f"BEGIN; {steps[found]} PRAGMA user_version = {VERSION}; COMMIT")


def _may_be_written(path: Path) -> bool:
    """Whether nothing but the disk's state keeps us from writing there."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o644))
    except OSError as error:
        return error.errno in DISK_ERRNOS
    return True
