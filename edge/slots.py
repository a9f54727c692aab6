"""Where cameras leave frames for the first stage: one slot a camera; live, the newest frame wins; from files, none is lost."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from alpr.types import Frame

WAIT_S = 0.1
"""The longest that any wait goes without looking at `stop` again."""


def nothing() -> None:
    return None


class Slots:
    """The cameras' slots behind one lock. Takers go round the cameras, so that none starves another."""

    def __init__(self, cameras: Sequence[str], depth: int = 2) -> None:
        """`depth`: frames of a recording that may wait; a live camera's slot holds one."""
        self._frames: dict[str, deque[Frame]] = {camera: deque() for camera in cameras}
        self._open = set(cameras)
        self._turn = deque(cameras)
        self._depth = depth
        self._changed = threading.Condition()
        self.dropped: dict[str, int] = dict.fromkeys(cameras, 0)

    def put(self, frame: Frame, live: bool, stop: threading.Event, waiting: Callable[[], None] = nothing) -> None:
        """Leave a frame: instead of one not yet taken when live (counted), else as soon as there is room."""
        frames = self._frames[frame.camera]
        with self._changed:
            while not live and len(frames) >= self._depth and not stop.is_set():
                waiting()
                self._changed.wait(WAIT_S)
            if live and frames:
                frames.clear()
                self.dropped[frame.camera] += 1
            frames.append(frame)
            self._changed.notify_all()

    def end(self, camera: str) -> None:
        """This camera leaves no more frames."""
        with self._changed:
            self._open.discard(camera)
            self._changed.notify_all()

    def take(self, stop: threading.Event, waiting: Callable[[], None] = nothing, most: int = 1) -> list[Frame]:
        """The next frames that wait, at most so many, one of a camera; none once stopped or once all cameras ended and all frames are
        taken. Waits for the first of them alone, and calls `waiting` every WAIT_S."""
        with self._changed:
            while not stop.is_set():
                waiting()
                if taken := self._round(most):
                    self._changed.notify_all()
                    return taken
                if not self._open:
                    return []
                self._changed.wait(WAIT_S)
        return []

    def _round(self, most: int) -> list[Frame]:
        """Once round the cameras; the next round begins behind the last that gave one."""
        taken: list[Frame] = []
        for _ in range(len(self._turn)):
            self._turn.rotate(-1)
            if frames := self._frames[self._turn[-1]]:
                taken.append(frames.popleft())
                if len(taken) == most:
                    break
        return taken
