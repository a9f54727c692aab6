"""The outbox's one thread: it alone has the database, commits what is asked of it in groups, and outlives what befalls the disk.

A disk that is full, read-only or broken is a state. Events offered meanwhile are refused and counted, acknowledgements are remembered,
and every half second it is tried anew. A damaged database is set aside and the next one begins, in the same process: one that
`quick_check` calls sound and that then fails in use would otherwise end the daemon at every start.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.outbox import ledger
from edge.outbox.database import FULL, DiskError, StoreError, is_damage, open_store, set_aside
from edge.outbox.mailbox import Job, Mailbox
from edge.outbox.room import Cleared, QuotaError, Reserve, make_room, tidy
from edge.outbox.state import OutboxLimits, OutboxState
from edge.outbox.store import Store
from edge.pulse import Pulse

log = logging.getLogger(__name__)

GROUP = 64
"""Jobs committed together at most."""
TICK_S = 0.5
"""Between two attempts to use a disk that fails, and between two looks at what is too old."""
SAID_EVERY_S = 60.0


class Owner:
    """`open`, then `serve` until the mailbox is closed; both on the outbox's thread. `state` may be read from any."""

    def __init__(self, path: Path, limits: OutboxLimits, mailbox: Mailbox) -> None:
        self.state = OutboxState()
        self.pulse = Pulse()
        self.on_accepted: Callable[[], None] = lambda: None
        self._path, self._limits, self._mailbox = path, limits, mailbox
        self._reserve = Reserve(path.with_name(f"{path.name}.reserve"))
        self._store: Store | None = None
        self._owed: list[Job] = []
        self._due_s = self._said_s = 0.0

    def open(self) -> None:
        """Raises StoreError where somebody must mend something; a disk that fails is waited for."""
        try:
            self._adopt(open_store(self._path, self._limits.size_mb))
        except DiskError as error:
            self._note(str(error))
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)

    def serve(self) -> None:
        while (jobs := self._mailbox.take(GROUP, TICK_S)) is not None:
            self.pulse.beat()
            wanted = [job for job in jobs if job.result.set_running_or_notify_cancel()]
            if time.monotonic() >= self._due_s:
                self._due_s = time.monotonic() + TICK_S
                self._keep_house()
            if wanted:
                self._do(wanted)

    def close(self) -> None:
        """Store what is still owed, if the disk lets us: what it does not will be sent again, under the same id."""
        if self._owed:
            self._repay()
        if self._store is not None:
            self._store.close()
        self._store = None

    def _keep_house(self) -> None:
        """What is done without being asked: open the database again, store what is owed, let go what is too old."""
        if self._store is None:
            self._reopen()
        elif self._reserve.take() and self.state.trouble == FULL:
            self._note("")
        if self._owed:
            self._repay()
        if self._store is not None:
            self._do([Job(lambda store: tidy(store, self._limits), ledger.cleared)])

    def _reopen(self) -> None:
        state = self.state
        try:
            self._adopt(open_store(self._path, self._limits.size_mb, state.run or None, state.last_sequence))
        except (DiskError, StoreError) as error:
            self._note(str(error))
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)

    def _repay(self) -> None:
        owed, self._owed = self._owed, []
        while owed and self._store is not None:
            self._do(owed[:GROUP])
            del owed[:GROUP]
        self._owed += owed

    def _do(self, jobs: list[Job]) -> None:
        """All jobs in one transaction, those first that may make room. One that cannot be done for a reason of its own spoils no other."""
        jobs = sorted(jobs, key=lambda job: job.grows)
        if not self._reserve.held:  # what is left of the disk is for acknowledgements
            jobs = self._put_off([job for job in jobs if job.grows], sqlite3.OperationalError(self.state.trouble or FULL), jobs)
        store = self._store
        if store is None:
            self._put_off(jobs, sqlite3.OperationalError(self.state.trouble))
            return
        try:
            done, cleared = self._transact(store, jobs)
        except ValueError as error:  # an event without a JSON form
            self._single_out(jobs, error)
        except sqlite3.Error as error:
            self._suffer(error)
            growing = [job for job in jobs if job.grows]
            rest = self._put_off(growing or jobs, error, jobs)
            if rest:
                self._do(rest)
        except BaseException as error:
            self._put_off(jobs, error)
            raise
        else:
            before = self.state.expired
            self.state = ledger.cleared(self.state, cleared)
            self._answer(jobs, done)
            self._say_expired(self.state.expired - before)

    def _transact(self, store: Store, jobs: list[Job]) -> tuple[list[Any], Cleared]:
        try:
            store.begin()
            done = [job.run(store) for job in jobs if not job.grows]
            cleared = make_room(store, self._limits) if len(done) < len(jobs) else Cleared()
            done += [job.run(store) for job in jobs if job.grows]
            store.commit()
        except BaseException:
            if not self._rolled_back(store):
                self._lose()
            raise
        return done, cleared

    def _rolled_back(self, store: Store) -> bool:
        try:
            store.rollback()
        except sqlite3.Error as error:  # only a new connection helps
            log.error("%s: rollback: %s", self._path, error)
            return False
        return True

    def _single_out(self, jobs: list[Job], error: ValueError) -> None:
        if len(jobs) == 1:
            jobs[0].result.set_exception(error)
            return
        for job in jobs:
            self._do([job])

    def _put_off(self, refused: list[Job], error: BaseException, among: Sequence[Job] = ()) -> list[Job]:
        """Remember those that must be done some time, and tell who waits for the others → the rest `among` them all."""
        for job in refused:
            if job.lasting:
                self._owed.append(job)
            elif not job.result.done():
                job.result.set_exception(error)
        return [job for job in among if job not in refused]

    def _answer(self, jobs: list[Job], done: list[Any]) -> None:
        for job, value in zip(jobs, done, strict=True):
            self.state = job.counts(self.state, value)
            if not job.result.done():
                job.result.set_result(value)
        if any(job.grows for job in jobs):
            self._note("")
            self.on_accepted()

    def _suffer(self, error: sqlite3.Error) -> None:
        """An error of the database: full, damaged, or a disk that fails."""
        if is_damage(error):
            self._lose()
            self._begin_anew(error)
        elif isinstance(error, QuotaError):
            self._note(str(error))
        elif str(error) == FULL:
            self._reserve.release()
            self._note(FULL)
        else:
            self._lose()
            self._note(str(error))

    def _begin_anew(self, error: sqlite3.Error) -> None:
        try:
            aside = set_aside(self._path)
            waited = self.state.backlog
            known = f" with {waited} events that were not delivered" if self.state.uuid else ""
            alarm = f"{self._path}: damaged ({error}); set aside{known} as {aside.name}, a new outbox begins"
            log.critical("%s", alarm)
            self.state = replace(
                self.state, damaged=self.state.damaged + 1, set_aside=self.state.set_aside + waited, backlog=0, alarm=alarm
            )
            self._adopt(open_store(self._path, self._limits.size_mb, after=self.state.last_sequence))
        except (OSError, DiskError, StoreError, sqlite3.Error) as again:
            self._note(f"damaged ({error}), and cannot be set aside: {again}")

    def _adopt(self, store: Store) -> None:
        self.state = ledger.opened(self.state, store.uuid, store.run, store.counts())
        self._store = store
        self._note("" if self._reserve.take() else FULL)

    def _lose(self) -> None:
        if self._store is not None:
            try:
                self._store.close()
            except sqlite3.Error as error:
                log.error("%s: close: %s", self._path, error)
        self._store = None

    def _note(self, trouble: str) -> None:
        """Log the disk's troubles when they begin, change and end, not with every event."""
        if trouble != self.state.trouble:
            log.log(logging.ERROR if trouble else logging.WARNING, "%s: %s", self._path, trouble or "stores events again")
            self.state = replace(self.state, trouble=trouble)

    def _say_expired(self, count: int) -> None:
        if count and time.monotonic() > self._said_s:
            self._said_s = time.monotonic() + SAID_EVERY_S
            by_age, by_size = self.state.expired_by_age, self.state.expired_by_size
            log.error("%s: events go undelivered: so far %d too old, %d for want of room", self._path, by_age, by_size)
