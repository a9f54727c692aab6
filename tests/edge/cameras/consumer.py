"""What stands behind a camera in the tests: a thread that takes its pictures, and a wait that ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from alpr.types import Frame
from edge.cameras import Camera


def wait_until(true: Callable[[], bool], within_s: float = 60.0, what: str = "what was waited for") -> None:
    """Return as soon as `true()`; fails the test past the bound."""
    until_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until_s, f"{what} did not come within {within_s} s"
        time.sleep(0.02)


class Consumer:
    """Takes a camera's pictures in a thread of its own, as the pipeline does."""

    def __init__(self, camera: Camera, start: bool = True) -> None:
        self.camera = camera
        self.stop = threading.Event()
        self.frames: list[Frame] = []
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        if start:
            self.thread.start()

    def _run(self) -> None:
        try:
            for frame in self.camera.frames(self.stop):
                self.frames.append(frame)
        except BaseException as error:
            self.error = error

    def wait(self, frames: int, within_s: float = 60.0) -> None:
        """Until so many more pictures have come."""
        wanted = len(self.frames) + frames
        wait_until(lambda: len(self.frames) >= wanted, within_s, f"{frames} pictures ({self.camera.state})")

    def wait_error(self, error: str, within_s: float = 60.0) -> None:
        """Until the camera tells of a trouble; its phase may be over sooner than one can look."""
        wait_until(lambda: error in self.camera.state.error, within_s, f"error {error!r}")

    def finish(self, within_s: float = 30.0) -> None:
        """The thread ends by itself, without an error."""
        if self.thread.ident is None:
            return
        self.thread.join(within_s)
        assert not self.thread.is_alive(), f"still running: {self.camera.state}"
        assert self.error is None, self.error

    def end(self) -> None:
        """Stop it and see it end."""
        self.stop.set()
        self.finish()
