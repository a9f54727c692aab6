"""Recorded pictures at their own pace, or as fast as they are taken."""

from __future__ import annotations

import math
import threading
import time

SLICE_S = 0.1
"""How long a wait may go on before it looks at `stop` again: it belongs to the caller, so nothing else can wake it."""


DEFAULT_FPS = 25.0


class Pace:
    """Holds each picture until it is due. A late consumer does not make it hurry: no picture is ever skipped."""

    def __init__(self, fps: float | None, realtime: bool) -> None:
        usable = fps if fps is not None and math.isfinite(fps) and 0 < fps <= 1000 else DEFAULT_FPS
        self._scene_interval_ns = round(1e9 / usable)
        self._interval_s = 1 / usable if realtime else 0.0
        self._due_s = time.monotonic()
        self._started_ns = time.monotonic_ns()

    def scene_ns(self, number: int) -> int:
        """When the picture of that number was taken, by the recording's own clock."""
        return self._started_ns + number * self._scene_interval_ns

    def wait(self, stop: threading.Event, closed: threading.Event) -> bool:
        """Wait for the next picture's time → False where stopped or closed meanwhile."""
        going = pause(self._due_s - time.monotonic(), stop, closed)
        self._due_s = max(self._due_s + self._interval_s, time.monotonic() - self._interval_s)
        return going


def pause(seconds: float, stop: threading.Event, closed: threading.Event) -> bool:
    """Sleep, but for no more than a slice after `stop` or `closed` → False where one of them is set."""
    until_s = time.monotonic() + seconds
    while not (stop.is_set() or closed.is_set()):
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            return True
        closed.wait(min(SLICE_S, left_s))
    return False
