"""A video file, decoded in this process by OpenCV's FFmpeg."""

from __future__ import annotations

import logging
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2

from alpr.types import U8, Frame
from edge.cameras.checks import malformed
from edge.cameras.pace import Pace
from edge.cameras.spec import CameraError, CameraSpec
from edge.cameras.state import ENDED, STREAMING, CameraState, Logbook

log = logging.getLogger(__name__)
COUNT_IS_WRONG_BY = 0.02
"""Containers without an index only estimate how many frames they have; fewer missing than this share is no damage."""


class VideoFile:
    """The frames of a video file, every one of them; live only where it is paced like a camera."""

    def __init__(self, spec: CameraSpec) -> None:
        """Raises CameraError where there is no such file, no video in it, or not one frame."""
        self._spec = spec
        self._logbook = Logbook(spec)
        self._closed = threading.Event()
        self.live = spec.realtime
        self._capture, self._first = _opened(spec)

    @property
    def state(self) -> CameraState:
        return self._logbook.snapshot()

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Every frame in order; ends with the file, unless it loops, and soon after `stop` or `close()`."""
        self._logbook.moved(STREAMING)
        pace = Pace(self._spec.fps or self._capture.get(cv2.CAP_PROP_FPS), self._spec.realtime)
        try:
            for bgr in self._pictures():
                number = self._logbook.received()
                if malformed(bgr):
                    self._logbook.dropped("broken")
                    continue
                if not pace.wait(stop, self._closed):
                    return
                self._logbook.delivered((bgr.shape[1], bgr.shape[0]), time.monotonic())
                yield Frame(bgr, self._spec.id, number, time.monotonic_ns(), time.time(), pace.scene_ns(number))
        finally:
            self._logbook.moved(ENDED)
            self._capture.release()

    def close(self) -> None:
        self._closed.set()

    def _pictures(self) -> Iterator[U8]:
        while True:
            yield self._first
            count = 1
            while (read := self._capture.read())[0]:
                count += 1
                yield read[1]  # type: ignore[misc]
            self._note_missing(count)
            if not self._spec.loop:
                return
            self._capture.release()
            self._capture, self._first = _opened(self._spec)

    def _note_missing(self, count: int) -> None:
        promised = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        missing = promised - count
        if missing <= max(1, COUNT_IS_WRONG_BY * promised):
            return
        error = f"ended at frame {count} of {promised}: the file is cut off or damaged there"
        self._logbook.dropped("missing", missing)
        self._logbook.moved(STREAMING, error)
        log.warning("camera %s: %s: %s", self._spec.id, self._spec.source, error)


def _opened(spec: CameraSpec) -> tuple[cv2.VideoCapture, U8]:
    """A capture that has given its first frame, and that frame."""
    path = Path(spec.source)
    where = f"camera {spec.id}: {spec.source}"
    if not where.isascii() and where.encode("utf-8", "replace").decode() != where:  # cv2 dies of it, and Python with it
        raise CameraError(f"camera {spec.id}: {spec.source!r}: expected a name in UTF-8; rename the file")
    try:
        mode = path.stat()
    except OSError as error:
        raise CameraError(f"{where}: cannot be read ({error.strerror}); expected a video file") from error
    if not stat.S_ISREG(mode.st_mode) or not mode.st_size:
        raise CameraError(f"{where}: {'is empty' if stat.S_ISREG(mode.st_mode) else 'is not a regular file'}; expected a video file")
    capture = cv2.VideoCapture(str(path), _backend())
    if not capture.isOpened():
        raise CameraError(f"{where}: is no video that FFmpeg can open; expected e.g. MP4, MKV or AVI, complete with its index")
    ok, first = capture.read()
    if not ok:
        capture.release()
        raise CameraError(f"{where}: opens as a video but has no frame that can be decoded; try to play it, or convert it again")
    return capture, first  # type: ignore[return-value]


def _backend() -> int:
    """FFmpeg, so that a name like p001.mp4 is never taken for a numbered series; what there is where OpenCV lacks it."""
    return int(cv2.CAP_FFMPEG if cv2.CAP_FFMPEG in cv2.videoio_registry.getStreamBackends() else cv2.CAP_ANY)
