"""What an outbox may use, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WhenFull = Literal["expire_oldest", "refuse_new"]


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """What the outbox may use of the disk and of its callers' time."""

    size_mb: int = 512  # about 200,000 events
    keep_days: float = 7.0  # delivered events stay so long for a replay, where there is room; 0: they go as soon as they have settled
    expire_days: float = 0.0  # an event that nobody took goes after so long; 0: never
    when_full: WhenFull = "expire_oldest"
    most_refusals: int = 10  # after so many an event is a dead letter
    waiting: int = 1024  # jobs not yet looked at
    timeout_s: float = 10.0  # that a caller waits, at most


@dataclass(frozen=True, slots=True)
class OutboxState:
    """A moment of the outbox, for status and metrics.

    Counters start at its opening, but for `expired_*` and `dead`: those are of the database's whole life, since a restart must not
    hide that something was given up. Without replays and recalls: accepted + rescued = acknowledged + backlog + given up + set aside.
    """

    uuid: str = ""  # "" while the disk has not let it be opened
    run: int = 0
    backlog: int = 0  # events accepted and not yet done, those of earlier runs and of replays too
    kept: int = 0  # events done and kept for a replay
    dead_letters: int = 0  # there now
    accepted: int = 0
    acknowledged: int = 0
    rejected: int = 0  # events that could not be stored
    rescued: int = 0  # … and were found stored after all when the disk was back: a failed fsync does not say
    replayed: int = 0
    recalled: int = 0  # acknowledged by a broker that may have forgotten them since: sent again
    expired_by_age: int = 0
    expired_by_size: int = 0
    dead: int = 0
    dropped_dead: int = 0  # dead letters that gave way to the quota
    pruned: int = 0  # delivered events whose time for a replay was over
    damaged: int = 0  # times that the database was set aside
    set_aside: int = 0  # events that waited in them, as far as is known: one found damaged at the opening tells no number
    last_sequence: int = 0
    trouble: str = ""  # what keeps it from storing events now
    alarm: str = ""  # what happened that somebody should look at: a database set aside

    @property
    def expired(self) -> int:
        """Events given up, for whatever reason, in the database's whole life."""
        return self.expired_by_age + self.expired_by_size
