"""A camera on a Jetson's CSI connector, through NVIDIA's image processor: csi://0."""

from __future__ import annotations

from edge.cameras import gstreamer
from edge.cameras.spec import CameraError, CameraSpec

SIZE_PX = (1920, 1080)
FPS = 30.0


def sensor(source: str) -> int:
    """The sensor's number, from 0."""
    number = source.partition("://")[2].strip("/")
    if not (number.isascii() and number.isdecimal()):
        raise CameraError(f"{source!r} names no sensor; expected csi://0, csi://1 …")
    return int(number)


def pipeline(spec: CameraSpec) -> str:
    """nvarguscamerasrc → newest pictures. The sensor's modes are fixed; Argus takes the nearest and scales."""
    width, height = (spec.width, spec.height) if spec.width else SIZE_PX
    caps = f"video/x-raw(memory:NVMM){gstreamer.size_caps(width, height)}{gstreamer.fps_caps(spec.fps or FPS)}"
    return f"nvarguscamerasrc sensor-id={sensor(spec.source)} ! {caps} ! {gstreamer.newest_pictures(spec, jetson=True)}"
