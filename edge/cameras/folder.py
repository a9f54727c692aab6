"""A folder of pictures, or a single one, in name order."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from alpr.types import U8, Frame
from edge.cameras.checks import malformed
from edge.cameras.pace import Pace
from edge.cameras.spec import PICTURES, CameraError, CameraSpec
from edge.cameras.state import ENDED, STREAMING, CameraState, Logbook

log = logging.getLogger(__name__)
UNRELATED_FPS = 0.2
"""Pictures without a stated rate lie so far apart that no track goes on from one to the next: they are stills, not a film."""


class PictureFolder:
    """Every readable picture of a folder; `paths[frame.number % len(paths)]` is the file of a frame."""

    def __init__(self, spec: CameraSpec) -> None:
        """Raises CameraError where there is no such folder or no picture in it."""
        self._spec = spec
        self._logbook = Logbook(spec)
        self._closed = threading.Event()
        self.live = spec.realtime
        self.paths = _paths(spec)

    @property
    def state(self) -> CameraState:
        return self._logbook.snapshot()

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Every readable picture in name order; ends with the last, unless it loops, and soon after `stop` or `close()`."""
        self._logbook.moved(STREAMING)
        pace = Pace(self._spec.fps or (None if self._spec.realtime else UNRELATED_FPS), self._spec.realtime)
        try:
            while True:
                readable = 0
                for path in self.paths:
                    if not pace.wait(stop, self._closed):
                        return
                    number = self._logbook.received()
                    bgr = self._picture(path, warn=number < len(self.paths))
                    if bgr is not None:
                        readable += 1
                        self._logbook.delivered((bgr.shape[1], bgr.shape[0]), time.monotonic())
                        yield Frame(bgr, self._spec.id, number, time.monotonic_ns(), time.time(), pace.scene_ns(number))
                if not readable:
                    self._logbook.moved(ENDED, f"not one of the {len(self.paths)} pictures can be read")
                if not (readable and self._spec.loop):
                    return
        finally:
            self._logbook.moved(ENDED)

    def close(self) -> None:
        self._closed.set()

    def _picture(self, path: Path, warn: bool) -> U8 | None:
        bgr, fault = picture(path)
        if fault:
            self._logbook.dropped("broken")
            self._logbook.moved(STREAMING, f"{path.name}: {fault}")
            if warn:
                log.warning("camera %s: %s left out: %s", self._spec.id, path, fault)
        return bgr


def picture(path: Path) -> tuple[U8 | None, str]:
    """A picture file → BGR (h, w, 3) and "", or None and what is wrong with it."""
    try:
        data = np.fromfile(path, np.uint8)
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except OSError as error:
        return None, f"cannot be read ({error.strerror})"
    except cv2.error as error:  # e.g. more pixels than OpenCV's limit
        return None, f"cannot be decoded ({error.err})"
    if bgr is None:
        return None, "cannot be decoded; expected a JPEG, PNG, BMP, WebP or TIFF" if len(data) else "is empty"
    fault = malformed(bgr)
    return (None, fault) if fault else (bgr, "")  # type: ignore[return-value]


def _paths(spec: CameraSpec) -> tuple[Path, ...]:
    source = Path(spec.source)
    try:
        entries = sorted(source.iterdir()) if source.is_dir() else [source]
        paths = tuple(path for path in entries if path.suffix.lower() in PICTURES and path.stat())
    except OSError as error:
        raise CameraError(f"camera {spec.id}: {spec.source}: cannot be read ({error.strerror})") from error
    if not paths:
        raise CameraError(f"camera {spec.id}: {spec.source}: no picture in it; expected files that end in {', '.join(PICTURES)}")
    return paths
