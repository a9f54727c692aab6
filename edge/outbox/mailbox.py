"""What other threads ask of the outbox's own thread: jobs in order, bounded, each with a result to wait for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from edge.outbox.state import OutboxState
from edge.outbox.store import Store


class MailboxClosedError(RuntimeError):
    """Nobody will do the job."""


class MailboxFullError(RuntimeError):
    """The owner did not keep up within the time given."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do inside a transaction, and how the outbox's state counts its result once that is committed."""

    run: Callable[[Store], Any]
    counts: Callable[[OutboxState, Any], OutboxState] = lambda state, value: state
    grows: bool = False  # stores an event
    lasting: bool = False  # nobody waits for it, and it must be done some time: tried again after a disk's failure
    result: Future[Any] = field(default_factory=Future)


class Mailbox:
    """A bounded queue that hands out what is waiting together. `close` leaves what is in it to be taken, and refuses more."""

    def __init__(self, size: int) -> None:
        self._jobs: deque[Job] = deque()
        self._size = size
        self._closed = False
        self._changed = threading.Condition()

    def put(self, job: Job, timeout_s: float) -> None:
        """Raises MailboxFullError, MailboxClosedError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or len(self._jobs) < self._size, timeout_s):
                raise MailboxFullError
            if self._closed:
                raise MailboxClosedError
            self._jobs.append(job)
            self._changed.notify_all()

    def take(self, most: int, timeout_s: float) -> list[Job] | None:
        """Wait for jobs → up to `most` of them, none when the time is over, None when the mailbox is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._jobs), timeout_s)
            taken = [self._jobs.popleft() for _ in range(min(most, len(self._jobs)))]
            self._changed.notify_all()
            return None if self._closed and not taken else taken

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
