"""Cameras: one file a kind of source, and one way to take pictures from any.

camera = open_camera(CameraSpec(id="gate", source="rtsp://…"), rng)
for frame in camera.frames(stop):  # in the camera's own thread
    slot.put(frame)  # newest wins where camera.live, otherwise every frame is seen
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from alpr.types import Frame
from edge.cameras import csi, gstreamer, opencv, rtsp, v4l2
from edge.cameras.child import Command
from edge.cameras.file import VideoFile
from edge.cameras.folder import PictureFolder
from edge.cameras.live import LiveCamera
from edge.cameras.spec import CameraError, CameraSpec, kind_of, redacted
from edge.cameras.state import CameraState

__all__ = ["Camera", "CameraError", "CameraSpec", "CameraState", "kind_of", "open_camera", "redacted"]


class Camera(Protocol):
    """Pictures from anywhere."""

    @property
    def live(self) -> bool:
        """Whether a slow consumer should miss pictures rather than fall behind."""

    @property
    def state(self) -> CameraState:
        """How it fares, from any thread."""

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Good pictures in order, for one thread at a time; returns within half a second of `stop` or `close()`."""

    def close(self) -> None:
        """End it and wake who waits; idempotent, from any thread."""


def open_camera(spec: CameraSpec, rng: np.random.Generator, root: Path = Path("/")) -> Camera:
    """The camera of a spec; `rng` spreads reopenings, `root` is where the system's own files lie.

    Raises CameraError where no retry can help: a source of no known kind, a file that is no video, a folder without
    pictures, a CSI camera on a machine without CSI. A live source that is merely absent is waited for, see its state.
    """
    kind = kind_of(spec.source)
    if kind == "file":
        return VideoFile(spec)
    if kind == "folder":
        return PictureFolder(spec)
    absent = partial(v4l2.absent, v4l2.device(spec.source)) if kind == "v4l2" else str
    return LiveCamera(spec, capture_command(spec, root), rng, absent)


def capture_command(spec: CameraSpec, root: Path) -> Command:
    """The process that captures a live source on this machine: GStreamer's where its parts are installed, otherwise OpenCV's."""
    jetson, kind = gstreamer.is_jetson(root), kind_of(spec.source)
    if kind == "csi":
        if not jetson:
            raise CameraError(f"camera {spec.id}: {spec.source} needs a Jetson; this machine has no /etc/nv_tegra_release")
        return gstreamer.launch(csi.pipeline(spec))
    part = rtsp if kind == "rtsp" else v4l2
    pipeline = part.pipeline(spec, jetson)  # raises for a source that fits neither
    if spec.decoder == "opencv" or (spec.decoder == "auto" and not gstreamer.installed(*part.elements(jetson))):
        return opencv.command(spec)
    return gstreamer.launch(pipeline)
