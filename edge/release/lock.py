"""One at a time: who changes releases, and who watches a trial. The kernel lets go when the process ends, however it ends."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from edge.release import ReleaseError
from edge.release.layout import Layout

LOOK_S = 0.1


@contextmanager
def held(layout: Layout, name: str = "work", wait_s: float = 30.0) -> Iterator[None]:
    """Raises ReleaseError where somebody else still has it after `wait_s`."""
    layout.store.mkdir(parents=True, exist_ok=True)
    with (layout.store / f".{name}.lock").open("a") as file:
        deadline_s = time.monotonic() + wait_s
        while not _taken(file.fileno()):
            if time.monotonic() >= deadline_s:
                raise ReleaseError(f"{layout.store}: somebody else is at work on this unit ({name}); try again when that is done")
            time.sleep(LOOK_S)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
