"""The live picture: a camera's newest frame with its plates, drawn and encoded on a thread of its own, and only while somebody watches.

The loop leaves a frame and goes on; what nobody took in time is overtaken. Drawn is a smaller copy, never the frame that is read.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2

from alpr.types import F32, Detections, Frame, Track
from edge.slots import nothing
from edge.web.drawing import annotated

log = logging.getLogger(__name__)

WATCHED_S: Final = 3.0
"""Whoever asked for a picture is taken to watch for so long."""
QUALITY: Final = 75
COVERED_S: Final = 1.0
"""Where plates must not be read off the picture, the places where one was seen within so long are covered."""
COVERED_PX: Final = 480
"""… and the picture is no larger than this: what the detector misses is then hardly legible."""
Label = Callable[[str, int], tuple[str, float] | None]
"""Camera and track → the text and the score to write beside a plate."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A frame and its plates."""

    frame: Frame
    tracks: Sequence[Track]
    covers: tuple[F32, ...]  # (n, 4) boxes each, whose ground must not be seen


@dataclass(frozen=True, slots=True)
class Picture:
    number: int  # rises with every picture of a camera
    jpeg: bytes
    at_s: float


class Studio:
    """Opened by `start`, closed by `close`. `offer` is called by the loop, the rest by the page's thread."""

    def __init__(self, fps: float, longest_px: int, label: Label, covering: Callable[[], bool]) -> None:
        """`covering`: whether plates must not be read off the picture."""
        self.made = 0  # pictures encoded since the start
        self.developed: Callable[[], None] = nothing  # called on the studio's thread after each
        self._gap_s, self._longest_px, self._label, self._covering = 1 / fps, longest_px, label, covering
        self._until_s: dict[str, float] = {}
        self._due_s: dict[str, float] = {}
        self._slots: dict[str, Seen] = {}
        self._pictures: dict[str, Picture] = {}
        self._boxes: dict[str, deque[tuple[float, F32]]] = {}
        self._changed, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="web picture", daemon=True)

    def start(self) -> Studio:
        self._thread.start()
        return self

    def close(self, timeout_s: float = 1.0) -> None:
        """May be called again."""
        self._closing.set()
        self._changed.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def offer(self, frame: Frame, found: Detections, tracks: Sequence[Track]) -> None:
        """Leave a frame where somebody watches its camera and the next picture is due. Never waits."""
        camera, now_s = frame.camera, time.monotonic()
        covers = self._covered(camera, found, now_s) if self._covering() else ()
        if now_s < self._until_s.get(camera, 0.0) and now_s >= self._due_s.get(camera, 0.0):
            self._due_s[camera] = now_s + self._gap_s
            self._slots[camera] = Seen(frame, tracks, covers)
            self._changed.set()

    def newest(self, camera: str) -> Picture | None:
        """The latest picture of a camera; asking for it is watching."""
        now_s = time.monotonic()
        self._until_s[camera] = now_s + WATCHED_S
        picture = self._pictures.get(camera)
        return picture if picture is not None and now_s - picture.at_s < WATCHED_S else None

    def _covered(self, camera: str, found: Detections, now_s: float) -> tuple[F32, ...]:
        boxes = self._boxes.setdefault(camera, deque())
        boxes.append((now_s, found.boxes))
        while boxes[0][0] < now_s - COVERED_S:
            boxes.popleft()
        return tuple(each for _, each in boxes)

    def _run(self) -> None:
        while not self._closing.is_set():
            if not self._changed.wait(0.5):
                continue
            self._changed.clear()
            for camera in list(self._slots):
                try:
                    self._develop(camera, self._slots.pop(camera))
                except Exception:  # a unit without its picture still reads plates
                    log.exception("the live picture of %s failed", camera)

    def _develop(self, camera: str, seen: Seen) -> None:
        covering = self._covering()  # asked anew: a frame that was left before the rules changed is not shown without covers
        if covering and not seen.covers:
            return
        longest_px = min(self._longest_px, COVERED_PX) if covering else self._longest_px
        labels = {track.id: said for track in seen.tracks if (said := self._label(camera, track.id)) is not None}
        drawn = annotated(seen.frame.bgr, longest_px, seen.tracks, labels, seen.covers)
        jpeg = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        before = self._pictures.get(camera)
        self._pictures[camera] = Picture(before.number + 1 if before else 1, jpeg, time.monotonic())
        self.made += 1
        self.developed()
