"""Room for events: what goes when the quota is reached or time is over, and a reserve for a disk that others have filled."""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from edge.outbox.state import OutboxLimits
from edge.outbox.store import Store

BITE = 256
"""Rows that go in one transaction at most: nobody waits long behind it."""
MARGIN_PAGES = 96
"""Pages that a new event may not have: a group of jobs needs some, and marking events as done needs some too."""
RESERVE_BYTES = 4 << 20
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Cleared:
    """What had to go."""

    pruned: int = 0
    dropped_dead: int = 0
    expired_by_age: int = 0
    expired_by_size: int = 0

    @property
    def expired(self) -> int:
        return self.expired_by_age + self.expired_by_size


class QuotaError(sqlite3.OperationalError):
    """What waits has used up the quota, and may not go."""


def make_room(store: Store, limits: OutboxLimits) -> Cleared:
    """Keep to the quota: delivered events go first, then dead letters, then, where that is allowed, what waits longest.

    Raises QuotaError where all that was not enough.
    """
    most = store.most_pages - max(MARGIN_PAGES, store.most_pages // 32)
    gone = {"pruned": 0, "dropped_dead": 0, "expired_by_size": 0}
    steps = [("pruned", store.prune), ("dropped_dead", store.drop_dead)]
    steps += [("expired_by_size", store.expire)] if limits.when_full == "expire_oldest" else []
    for name, step in steps:
        while store.pages() > most and (removed := step(BITE // 4)):
            gone[name] += removed
    if store.pages() > most:
        raise QuotaError("full: what waits has used up outbox.size_mb")
    store.tally("expired_by_size", gone["expired_by_size"])
    return Cleared(**gone)


def tidy(store: Store, limits: OutboxLimits) -> Cleared:
    """Let go what is too old, some of it: what is left over goes next time."""
    now = time.time()
    pruned = store.prune(BITE, now - limits.keep_days * DAY_S)
    expired = store.expire(BITE, now - limits.expire_days * DAY_S) if limits.expire_days else 0
    store.tally("expired_by_age", expired)
    return Cleared(pruned=pruned, expired_by_age=expired)


class Reserve:
    """A file that takes up space as long as all is well. Without it, a full disk could not even store that events have left."""

    def __init__(self, file: Path) -> None:
        self.held = False
        self._file = file

    def take(self) -> bool:
        """Occupy the space, if it is there → whether it is."""
        if not self.held:
            try:
                self._occupy()
                self.held = True
            except OSError:  # full, read-only or broken: SQLite will have said so, and the next attempt is half a second away
                self.release()
        return self.held

    def release(self) -> None:
        self.held = False
        try:
            self._file.unlink(missing_ok=True)
        except OSError:
            return  # a disk that is read-only takes no deletions either

    def _occupy(self) -> None:
        with self._file.open("ab") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
            elif file.tell() < RESERVE_BYTES:  # macOS
                file.write(bytes(RESERVE_BYTES))
