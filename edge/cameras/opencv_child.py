"""Captures a live source with OpenCV, where GStreamer is not installed: `python -m edge.cameras.opencv_child`.

A process of its own, because FFmpeg may hang in a stalled stream. The source comes through the environment, where no list
of processes shows its password; pictures leave on stdout as `gdp` describes, complaints on stderr.
"""

from __future__ import annotations

import json
import os
import sys
import threading

import cv2

from alpr.types import U8
from edge.cameras import gdp
from edge.cameras.opencv import VARIABLE
from edge.cameras.spec import kind_of, shown
from edge.cameras.v4l2 import device


class Newest:
    """The newest picture, from the thread that decodes to the one that writes: who writes slowly misses pictures, not time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._picture: U8 | None = None
        self._ended = False

    def put(self, picture: U8) -> None:
        with self._changed:
            self._picture = picture
            self._changed.notify()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()

    def take(self) -> U8 | None:
        """Wait for the next picture; None at the end of the stream. Our parent kills us when that takes too long."""
        with self._changed:
            while self._picture is None and not self._ended:
                self._changed.wait(1.0)
            picture, self._picture = self._picture, None
            return picture


def main() -> int:
    asked = json.loads(os.environ.pop(VARIABLE))
    out = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not end up among the pictures
    capture = opened(asked)
    if not capture.isOpened():
        print(f"{shown(asked['source'])}: nobody answers there, or not with a video", file=sys.stderr)
        return 1
    newest = Newest()
    threading.Thread(target=decode, args=(capture, newest), daemon=True).start()
    write(newest, out, (asked["width"], asked["height"]))
    print("the stream ended", file=sys.stderr)
    return 0


def opened(asked: dict[str, object]) -> cv2.VideoCapture:
    """The source as OpenCV opens it; a V4L2 camera is asked for its form, size and rate."""
    source = str(asked["source"])
    if kind_of(source) == "rtsp":
        return cv2.VideoCapture(source, cv2.CAP_FFMPEG)
    capture = cv2.VideoCapture(str(device(source)), cv2.CAP_V4L2)
    if asked["mjpeg"]:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    for key, value in ((cv2.CAP_PROP_FRAME_WIDTH, "width"), (cv2.CAP_PROP_FRAME_HEIGHT, "height"), (cv2.CAP_PROP_FPS, "fps")):
        if asked[value]:
            capture.set(key, float(str(asked[value])))
    return capture


def decode(capture: cv2.VideoCapture, newest: Newest) -> None:
    """Decode without a pause, so that nothing old piles up before us."""
    while (read := capture.read())[0]:
        newest.put(read[1])  # type: ignore[arg-type]
    newest.end()


def write(newest: Newest, out: int, size: tuple[int | None, int | None]) -> None:
    """Write pictures until the stream ends; the format again whenever the size changes."""
    shape: tuple[int, ...] | None = None
    width, height = size
    with open(out, "wb", buffering=0) as pipe:
        while (bgr := newest.take()) is not None:
            if width and height and bgr.shape[:2] != (height, width):
                bgr = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
            for packet in gdp.packets_from_bgr(bgr, caps=bgr.shape != shape):
                _write_all(pipe.fileno(), packet)
            shape = bgr.shape


def _write_all(out: int, packet: bytes) -> None:
    view = memoryview(packet)
    while view:
        view = view[os.write(out, view) :]


if __name__ == "__main__":
    sys.exit(main())
