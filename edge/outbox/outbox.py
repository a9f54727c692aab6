"""The outbox: accepted means committed, power cut or not, and an event stays until the broker has acknowledged it.

One thread owns the one connection; everybody else hands it jobs. What is waiting when it comes round is committed together, since a
commit (WAL, synchronous=FULL: one fsync) costs the same for one event as for fifty.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError  # the built-in one only since Python 3.11
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alpr.types import PlateEvent
from edge.events import Identity, Place, describe, event_id, seal
from edge.outbox.mailbox import Job, Mailbox, MailboxClosedError, MailboxFullError
from edge.outbox.store import Row, Store, StoreError, open_store

log = logging.getLogger(__name__)

GROUP = 64
"""Jobs committed together at most."""
OPEN_TIMEOUT_S = 60.0
"""A database of 500 MB is checked in seconds, on a slow card too."""


class OutboxError(RuntimeError):
    """The outbox did not take an event, or cannot be opened; the message says why."""


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """What the outbox may use of the disk and of its callers' time."""

    size_mb: int = 512  # about 200,000 events
    waiting: int = 1024  # jobs not yet looked at
    timeout_s: float = 10.0  # that a caller waits, at most


@dataclass(frozen=True, slots=True)
class OutboxState:
    """A moment of the outbox, for status and metrics. Counters start at its opening."""

    uuid: str
    run: int
    backlog: int = 0  # events accepted and not yet acknowledged, those of earlier runs too
    accepted: int = 0
    acknowledged: int = 0
    rejected: int = 0  # events that could not be stored
    last_sequence: int = 0


class Outbox:
    """Opens or makes the database at `path`. `failure` holds what ended its thread, if anything did; `check` raises it.

    Raises OutboxError where the file cannot be opened or another process has it. A damaged file is set aside and a new one is begun.
    """

    def __init__(self, path: str | Path, identity: Identity, limits: OutboxLimits | None = None) -> None:
        self.path = Path(path)
        self.identity = identity
        self.failure: BaseException | None = None
        self.on_accepted: Callable[[], None] = lambda: None  # called on the outbox's thread
        self._limits = limits or OutboxLimits()
        self._mailbox = Mailbox(self._limits.waiting)
        self._trouble = ""
        self._lock = threading.Lock()
        self._rejected = 0
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._own, args=(opened,), name="outbox", daemon=True)
        self._thread.start()
        try:
            opened.result(OPEN_TIMEOUT_S)
        except StoreError as error:
            raise OutboxError(str(error)) from error
        except FutureTimeoutError as error:
            raise OutboxError(f"{self.path}: not open after {OPEN_TIMEOUT_S:.0f} s; is the disk hanging?") from error

    def accept(self, event: PlateEvent) -> str:
        """Store an event; its id, once it is committed. Raises EventError if it has no JSON form, OutboxError if it cannot be stored."""
        fields = describe(event, self.identity)
        topic = f"{fields['camera']}/plate"
        try:
            sequence = self._ask(lambda store: store.insert(topic, lambda number: seal(fields, self._place(number))), self._count_accepted)
        except OutboxError:
            with self._lock:  # accept may be called from several threads
                self._rejected += 1
            raise
        return event_id(self.identity.device, self._place(sequence))

    def fresh(self, after: int, limit: int) -> list[Row]:
        """Events that were never refused, of a sequence above `after`, oldest first."""
        rows: list[Row] = self._ask(lambda store: store.fresh(after, limit))
        return rows

    def refused(self, limit: int) -> list[Row]:
        """Events that the broker refused, those refused least often first."""
        rows: list[Row] = self._ask(lambda store: store.refused(limit))
        return rows

    def acknowledge(self, sequences: Sequence[int]) -> None:
        """Forget events that have arrived. Does not wait: an event whose deletion a crash undoes is sent again, under the same id."""
        self._submit(lambda store: store.delete(sequences), self._count_acknowledged)

    def refuse(self, sequences: Sequence[int]) -> None:
        """Put events behind all others, since the broker does not want them. Does not wait."""
        self._submit(lambda store: store.postpone(sequences))

    @property
    def state(self) -> OutboxState:
        return replace(self._state, rejected=self._rejected)

    def check(self) -> None:
        """Raise what ended the outbox's thread, if anything did."""
        if self.failure is not None:
            raise OutboxError(f"{self.path}: the outbox stopped: {self.failure!r}") from self.failure

    def close(self, timeout_s: float = 2.0) -> None:
        """Do what was asked before, close the database, end the thread. May be called again."""
        self._mailbox.close()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.error("%s: still busy after %.1f s and left behind; what was accepted is committed", self.path, timeout_s)

    def _ask(self, run: Callable[[Store], Any], committed: Callable[[Any], None] = lambda value: None) -> Any:
        result = self._submit(run, committed)
        try:
            return result.result(self._limits.timeout_s)
        except FutureTimeoutError as error:
            done = "it was not begun" if result.cancel() else "it may yet be done"
            raise OutboxError(f"{self.path}: no answer in {self._limits.timeout_s:.0f} s, {done}; is the disk hanging?") from error
        except sqlite3.Error as error:
            raise OutboxError(f"{self.path}: {error}") from error

    def _submit(self, run: Callable[[Store], Any], committed: Callable[[Any], None] = lambda value: None) -> Future[Any]:
        job = Job(run, committed)
        try:
            self._mailbox.put(job, self._limits.timeout_s)
        except MailboxClosedError:
            self.check()
            raise OutboxError(f"{self.path}: the outbox is closed") from None
        except MailboxFullError:
            raise OutboxError(f"{self.path}: {self._limits.waiting} jobs are waiting; is the disk hanging?") from None
        return job.result

    # From here on: the outbox's thread.

    def _own(self, opened: Future[None]) -> None:
        try:
            store = open_store(self.path, self._limits.size_mb)
            self._state = OutboxState(store.uuid, store.run, store.count(), last_sequence=store.last_sequence())
            opened.set_result(None)
        except BaseException as error:
            opened.set_exception(error)
            return
        try:
            while jobs := self._mailbox.take(GROUP):
                self._do(store, [job for job in jobs if job.result.set_running_or_notify_cancel()])
        except BaseException as error:
            self.failure = error
            log.critical("%s: the outbox stopped: %r", self.path, error)
        finally:
            self._abandon()
            store.close()

    def _do(self, store: Store, jobs: list[Job]) -> None:
        """All jobs in one transaction; each in its own where that fails, so that no job spoils another's."""
        try:
            done = self._transact(store, jobs)
        except (sqlite3.OperationalError, ValueError) as error:
            if len(jobs) > 1:
                for job in jobs:
                    self._do(store, [job])
            else:
                self._refuse_job(jobs[0], error)
            return
        except BaseException as error:  # a damaged database: nothing more can be promised
            for job in jobs:
                job.result.set_exception(error)
            raise
        self._answer(jobs, done)

    def _transact(self, store: Store, jobs: list[Job]) -> list[Any]:
        try:
            store.begin()
            done = [job.run(store) for job in jobs]
            store.commit()
        except BaseException:
            store.rollback()
            raise
        return done

    def _answer(self, jobs: list[Job], done: list[Any]) -> None:
        accepted = self._state.accepted
        for job, value in zip(jobs, done, strict=True):
            job.committed(value)
            job.result.set_result(value)
        if self._state.accepted > accepted:
            self._note("")
            self.on_accepted()

    def _refuse_job(self, job: Job, error: Exception) -> None:
        job.result.set_exception(error)
        if isinstance(error, sqlite3.Error):
            self._note(str(error))

    def _note(self, trouble: str) -> None:
        """Log the disk's troubles when they begin, change and end, not with every event."""
        if trouble != self._trouble:
            log.log(logging.ERROR if trouble else logging.WARNING, "%s: %s", self.path, trouble or "stores events again")
        self._trouble = trouble

    def _count_accepted(self, sequence: int) -> None:
        state = self._state
        self._state = replace(state, backlog=state.backlog + 1, accepted=state.accepted + 1, last_sequence=sequence)

    def _count_acknowledged(self, deleted: int) -> None:
        state = self._state
        self._state = replace(state, backlog=state.backlog - deleted, acknowledged=state.acknowledged + deleted)

    def _place(self, sequence: int) -> Place:
        return Place(self._state.uuid, self._state.run, sequence)

    def _abandon(self) -> None:
        """Answer whoever still waits: nobody will do what they asked."""
        self._mailbox.close()
        while jobs := self._mailbox.take(GROUP):
            for job in jobs:
                if job.result.set_running_or_notify_cancel():
                    job.result.set_exception(OutboxError(f"{self.path}: the outbox is closed"))
