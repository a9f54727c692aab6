"""The outbox: accepted means committed, power cut or not, and an event stays until it has arrived.

One thread owns the one connection; everybody else hands it jobs. What is waiting when it comes round is committed together, since a
commit (WAL, synchronous=FULL: one fsync) costs the same for one event as for fifty.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError  # the built-in one only since Python 3.11
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from alpr.types import PlateEvent
from edge.events import Identity, Place, describe, event_id, seal
from edge.outbox import erasure, ledger
from edge.outbox.database import StoreError
from edge.outbox.erasure import Erased
from edge.outbox.mailbox import Job, Mailbox, MailboxClosedError, MailboxFullError
from edge.outbox.owner import GROUP, Owner
from edge.outbox.state import OutboxLimits, OutboxState
from edge.outbox.store import Row, Store
from edge.pulse import Pulse

log = logging.getLogger(__name__)

OPEN_TIMEOUT_S = 60.0
"""A database of 500 MB is checked in seconds, on a slow card too."""
REPLAY_BITE = 500
"""Events of a replay marked in one transaction: each touches a page, and fresh events wait behind it."""


class OutboxError(RuntimeError):
    """The outbox did not take an event, or cannot be opened; the message says why."""


class Outbox:
    """Opens or makes the database at `path`. `failure` holds what ended its thread, if anything did; `check` raises it.

    Raises OutboxError where the file cannot be opened for a reason that somebody must mend, or another process has it. A disk that
    is full, read-only or broken is waited for; a damaged file is set aside and a new one is begun: `state` tells both.
    """

    def __init__(self, path: str | Path, identity: Identity, limits: OutboxLimits | None = None) -> None:
        self.path = Path(path)
        self.identity = identity
        self.failure: BaseException | None = None
        self._limits = limits or OutboxLimits()
        self._mailbox = Mailbox(self._limits.waiting)
        self._owner = Owner(self.path, self._limits, self._mailbox)
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

    @property
    def pulse(self) -> Pulse:
        """Of the outbox's thread."""
        return self._owner.pulse

    @property
    def on_accepted(self) -> Callable[[], None]:
        """Called on the outbox's thread when there is something new to send."""
        return self._owner.on_accepted

    @on_accepted.setter
    def on_accepted(self, call: Callable[[], None]) -> None:
        self._owner.on_accepted = call

    def accept(self, event: PlateEvent) -> str:
        """Store an event; its id, once it is committed. Raises EventError if it has no JSON form, OutboxError if it cannot be stored."""
        fields = describe(event, self.identity)
        topic = f"{fields['camera']}/plate"

        def insert(store: Store) -> Place:
            sequence = store.insert(topic, lambda number: seal(fields, Place(store.uuid, store.run, number)))
            return Place(store.uuid, store.run, sequence)

        try:
            place: Place = self._ask(Job(insert, ledger.accepted, grows=True))
        except OutboxError:
            with self._lock:  # accept may be called from several threads
                self._rejected += 1
            raise
        return event_id(self.identity.device, place)

    def fresh(self, after: int, limit: int) -> list[Row]:
        """Events that were never refused, of a sequence above `after`, oldest first."""
        rows: list[Row] = self._ask(Job(lambda store: store.fresh(after, limit)))
        return rows

    def replays(self, limit: int) -> list[Row]:
        """Delivered events that somebody wants once more, oldest first."""
        rows: list[Row] = self._ask(Job(lambda store: store.replays(limit)))
        return rows

    def refused(self, limit: int) -> list[Row]:
        """Events that were put behind the others, least often first."""
        rows: list[Row] = self._ask(Job(lambda store: store.refused(limit)))
        return rows

    def acknowledge(self, sequences: Sequence[int], settling: bool = False) -> None:
        """Events have arrived. Does not wait: an event whose mark a crash undoes is sent again, under the same id.

        `settling`: for now, since a broker has them that may forget them; `settle` says that it is for good, `recall` that it may not be.
        """
        self._submit(Job(lambda store: store.finish(sequences, self._keeps, settling), ledger.done, lasting=True))

    def settle(self, sequences: Sequence[int]) -> None:
        """Events have arrived for good. Does not wait."""
        self._submit(Job(lambda store: store.settle(sequences, self._keeps), ledger.done, lasting=True))

    def confirm(self, sequences: Sequence[int]) -> None:
        """Events that are settling have arrived for good; others, whoever names them, stay as they are. Does not wait."""
        self._submit(Job(lambda store: store.confirm(sequences, self._keeps), ledger.done, lasting=True))

    def recall(self) -> int:
        """Send what has not settled again → how many events that are. Raises OutboxError."""
        self._offer_again(lambda store, after: store.recall(after, REPLAY_BITE), ledger.recalled)
        unsettled: int = self._ask(Job(lambda store: store.unsettled()))
        return unsettled

    def refuse(self, sequences: Sequence[int], reason: str = "refused") -> None:
        """Put events behind all others, since they are not wanted; after most_refusals they are dead letters. Does not wait."""
        most = self._limits.most_refusals
        self._submit(Job(lambda store: store.refuse(sequences, reason, most), ledger.dead, lasting=True))

    def postpone(self, sequences: Sequence[int]) -> None:
        """Put events behind all others for no fault of theirs. Does not wait."""
        self._submit(Job(lambda store: store.postpone(sequences), lasting=True))

    def replay(self, since_utc_s: float, until_utc_s: float) -> int:
        """Send the delivered events of a time again, marked `backfilled` → how many. Raises OutboxError."""
        return self._offer_again(lambda store, after: store.replay(since_utc_s, until_utc_s, after, REPLAY_BITE), ledger.replayed)

    def revive(self, since_utc_s: float, until_utc_s: float) -> int:
        """Send the dead letters of a time again → how many. Raises OutboxError."""
        return self._offer_again(lambda store, after: store.revive(since_utc_s, until_utc_s, REPLAY_BITE), ledger.revived)

    def erase(self, texts: Collection[str]) -> Erased:
        """Take everything out that is stored of vehicles read as one of these texts. Raises OutboxError."""
        erased: Erased = self._ask(Job(lambda store: store.erase(texts), erasure.counted))
        return erased

    @property
    def _keeps(self) -> bool:
        return self._limits.keep_days > 0

    @property
    def state(self) -> OutboxState:
        return replace(self._owner.state, rejected=self._rejected)

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

    def _offer_again(self, mark: Callable[[Store, int], list[int]], counts: Callable[[OutboxState, list[int]], OutboxState]) -> int:
        last, total = 0, 0
        while found := self._ask(Job(partial(_after, mark, last), counts)):
            last, total = found[-1], total + len(found)
            self.on_accepted()
        return total

    def _ask(self, job: Job) -> Any:
        self._submit(job)
        try:
            return job.result.result(self._limits.timeout_s)
        except FutureTimeoutError as error:
            done = "it was not begun" if job.result.cancel() else "it may yet be done"
            raise OutboxError(f"{self.path}: no answer in {self._limits.timeout_s:.0f} s, {done}; is the disk hanging?") from error
        except sqlite3.Error as error:
            raise OutboxError(f"{self.path}: {error}") from error

    def _submit(self, job: Job) -> None:
        try:
            self._mailbox.put(job, self._limits.timeout_s)
        except MailboxClosedError:
            self.check()
            raise OutboxError(f"{self.path}: the outbox is closed") from None
        except MailboxFullError:
            raise OutboxError(f"{self.path}: {self._limits.waiting} jobs are waiting; is the disk hanging?") from None

    # From here on: the outbox's thread.

    def _own(self, opened: Future[None]) -> None:
        try:
            self._owner.open()
        except BaseException as error:
            opened.set_exception(error)
            return
        opened.set_result(None)
        try:
            self._owner.serve()
        except BaseException as error:
            self.failure = error
            log.critical("%s: the outbox stopped: %r", self.path, error)
        finally:
            self._abandon()
            self._owner.close()

    def _abandon(self) -> None:
        """Answer whoever still waits: nobody will do what they asked."""
        self._mailbox.close()
        why = "the outbox is closed" if self.failure is None else f"the outbox stopped: {self.failure!r}"
        while jobs := self._mailbox.take(GROUP, 0):
            for job in jobs:
                if job.result.set_running_or_notify_cancel():
                    job.result.set_exception(OutboxError(f"{self.path}: {why}"))


def _after(mark: Callable[[Store, int], list[int]], last: int, store: Store) -> list[int]:
    return mark(store, last)
