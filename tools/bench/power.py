"""What a machine draws while something runs, from the kernel's sensors: a Jetson's rails, where it has them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge import sysfs

EVERY_S = 0.1


class Meter:
    """Watts, read again and again on a thread of its own while `running`."""

    def __init__(self, root: Path = sysfs.ROOT) -> None:
        self._root, self._read = root, list[float]()

    @property
    def watts(self) -> float | None:
        """The mean; None where nothing measures it."""
        return sum(self._read) / len(self._read) if self._read else None

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._until, args=(stop,), name="power", daemon=True)
        if self._take():
            thread.start()
        try:
            yield
        finally:
            stop.set()
            if thread.ident is not None:
                thread.join(5 * EVERY_S)

    def _until(self, stop: threading.Event) -> None:
        while not stop.wait(EVERY_S):
            self._take()

    def _take(self) -> bool:
        """False where there is no sensor."""
        total_w = sysfs.Reading(watts=sysfs.watts(self._root)).total_w
        if total_w is not None:
            self._read.append(total_w)
        return total_w is not None
