"""What other threads ask of the outbox's own thread: jobs in order, bounded, each with a result to wait for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from edge.outbox.store import Store


class MailboxClosedError(RuntimeError):
    """Nobody will do the job."""


class MailboxFullError(RuntimeError):
    """The owner did not keep up within the time given."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do inside a transaction, and what to do once that is committed."""

    run: Callable[[Store], Any]
    committed: Callable[[Any], None] = lambda value: None
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

    def take(self, most: int) -> list[Job]:
        """Wait for jobs; up to `most` of them, or none when the mailbox is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._jobs))  # ended by close(), which every owner calls
            taken = [self._jobs.popleft() for _ in range(min(most, len(self._jobs)))]
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
