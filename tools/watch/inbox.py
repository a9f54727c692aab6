"""Events as a consumer should take them: held against the schema, each id once, and safe on disk before the broker may forget them."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.events import schema
from edge.mqtt.ack import MOST_IDS
from edge.received import document
from edge.schemas import strict

REMEMBERED = 100_000
"""Ids kept in memory to know a duplicate by, where there is no file."""
RECENT = MOST_IDS
"""More than a unit has under way, or recalls, at once."""
TABLES = """
    CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, received_utc_s REAL NOT NULL, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS watcher (client_id TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS source (  -- each outbox that events came from: a sequence that is missing was lost or is on its way
        outbox TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, kept INTEGER NOT NULL, duplicates INTEGER NOT NULL
    );
"""
NEWER = """
    INSERT INTO source VALUES (?1, ?2, ?2, ?3, 1 - ?3) ON CONFLICT (outbox) DO UPDATE SET first = min(first, ?2), last = max(last, ?2),
    kept = kept + ?3, duplicates = duplicates + 1 - ?3
"""


class InboxError(RuntimeError):
    """The file cannot be used; the message names it and says why."""


@dataclass(slots=True)
class Counts:
    """What came, since the start."""

    new: int = 0
    duplicates: int = 0
    invalid: int = 0


class Inbox:
    """Takes payloads; without a `file` it only remembers the ids. Raises InboxError."""

    def __init__(self, file: Path | None = None) -> None:
        self.counts = Counts()
        self.complaints: list[str] = []  # what was wrong with payloads of the last `take`
        self.kept: dict[str, list[str]] = {}  # what is safe since the last `take`, duplicates too: ids by device
        self._file = file
        self._validator = strict(inlined(schema()))
        self._seen: dict[str, None] = {}  # in order of arrival
        self._db = _open(file) if file is not None else None
        self.recent = _recent(self._db)  # the last ids kept, by device, for a unit that did not hear of them
        self.client_id = _client_id(self._db) if self._db is not None else f"kerbside-watch-{uuid.uuid4().hex[:12]}"

    def take(self, payloads: Iterable[bytes | bytearray]) -> list[dict[str, Any]]:
        """The events among them that are valid and new. They are committed when this returns; only then acknowledge them."""
        self.complaints.clear()
        events = [event for payload in payloads if (event := self._parse(payload)) is not None]
        try:
            new = [event for event in events if self._is_new(event)]
            if self._db is not None:
                self._db.commit()
        except sqlite3.Error as error:
            raise InboxError(f"{self._file}: {error}; what was not kept stays with the broker") from error
        self.kept = {}
        for event in events:
            self.kept.setdefault(event["device"], []).append(event["id"])
            self.recent.setdefault(event["device"], deque(maxlen=RECENT)).append(event["id"])
        self.counts.new += len(new)
        self.counts.duplicates += len(events) - len(new)
        return new

    def missing(self) -> int:
        """Sequences between an outbox's first and last event here that never came, or not yet; 0 where there is no file."""
        if self._db is None:
            return 0
        return int(self._db.execute("SELECT total(last - first + 1 - kept) FROM source").fetchone()[0])  # sum() raises where it overflows

    def close(self) -> None:
        if self._db is not None:
            self._db.close()

    def _parse(self, payload: bytes | bytearray) -> dict[str, Any] | None:
        try:
            event = document(payload)
            error = next(self._validator.iter_errors(event), None)
            complaint = error and f"{'.'.join(map(str, error.absolute_path)) or 'event'}: {error.message}"
        except ValueError as error:
            complaint = f"no JSON: {error}"
        if not complaint:
            return dict(event)
        self.counts.invalid += 1
        self.complaints.append(printable(complaint)[:300])
        return None

    def _is_new(self, event: dict[str, Any]) -> bool:
        if self._db is not None:
            row = (event["id"], time.time(), json.dumps(event, ensure_ascii=False, separators=(",", ":")))
            new = self._db.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?)", row).rowcount
            self._db.execute(NEWER, (event["id"].rpartition("-")[0], event["sequence"], new))
            return new == 1
        known = event["id"] in self._seen
        self._seen[event["id"]] = None
        if len(self._seen) > REMEMBERED:
            self._seen.pop(next(iter(self._seen)))
        return not known


def printable(text: str) -> str:
    """Text from outside as a terminal may show it: an escape in it would move the cursor, or worse."""
    return "".join(char if char.isprintable() else "·" for char in text)


def inlined(node: Any, root: Any = None) -> Any:
    """A schema with each reference into its own `$defs` replaced by what it refers to.

    Following them is three quarters of jsonschema's work, 2.6 ms an event against 0.7: a watcher fell behind 200 events a second.
    """
    root = node if root is None else root
    if isinstance(node, list):
        return [inlined(each, root) for each in node]
    if not isinstance(node, dict):
        return node
    own = {key: inlined(value, root) for key, value in node.items() if key not in ("$ref", "$defs")}
    return {**inlined(root["$defs"][node["$ref"].rpartition("/")[2]], root), **own} if "$ref" in node else own


def _open(file: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(file, timeout=5)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(TABLES)
    except sqlite3.Error as error:
        raise InboxError(f"{file}: {error}; expected a file of an earlier watch, or a place for a new one") from error
    return db


def _recent(db: sqlite3.Connection | None) -> dict[str, deque[str]]:
    """What an earlier watch kept last: it may have been killed before it could say so."""
    last = "SELECT json_extract(body, '$.device'), id FROM event ORDER BY rowid DESC LIMIT ?"
    found: dict[str, deque[str]] = {}
    for device, event_id in db.execute(last, (RECENT,)) if db is not None else ():
        found.setdefault(device, deque(maxlen=RECENT)).appendleft(event_id)
    return found


def _client_id(db: sqlite3.Connection) -> str:
    """The name that goes with the file: under it the broker keeps what comes while nobody watches."""
    found = db.execute("SELECT client_id FROM watcher").fetchone()
    if found:
        return str(found[0])
    name = f"kerbside-watch-{uuid.uuid4().hex[:12]}"
    db.execute("INSERT INTO watcher VALUES (?)", (name,))
    db.commit()
    return name
