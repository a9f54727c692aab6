"""A USB or capture-card camera: /dev/video0, or v4l2:///dev/video0."""

from __future__ import annotations

from pathlib import Path

from edge.cameras import gstreamer
from edge.cameras.spec import CameraError, CameraSpec, shown


def elements(jetson: bool) -> tuple[str, ...]:
    """What GStreamer must have for this, else OpenCV does it."""
    return ("v4l2src", "decodebin", "gdppay", "nvvidconv" if jetson else "videoconvert")


def device(source: str) -> Path:
    """The device's path; raises CameraError for one that could not stand in a pipeline."""
    path = source.removeprefix("v4l2://")
    if not path.startswith("/") or any(char.isspace() or char in "\"'\\!" for char in path):
        raise CameraError(f"{shown(source)!r} names no device; expected /dev/video0 or v4l2:///dev/video0")
    return Path(path)


def absent(path: Path) -> str:
    """Why there is nothing to open now, in words; "" where there is. A camera may be plugged in later, so this is no CameraError."""
    if path.is_char_device():
        return ""
    return f"{path} is no camera device" if path.exists() else f"{path}: no such device; is the camera plugged in?"


def pipeline(spec: CameraSpec, jetson: bool) -> str:
    """v4l2src → what the camera sends, raw or JPEG → newest pictures. Above VGA most USB cameras are only quick in JPEG."""
    if spec.codec not in ("auto", "mjpeg"):
        raise CameraError(f"codec is {spec.codec!r}, expected auto or mjpeg for a V4L2 camera")
    asked = gstreamer.size_caps(spec.width, spec.height) + gstreamer.fps_caps(spec.fps)
    forms = ["image/jpeg"] if spec.codec == "mjpeg" else ["video/x-raw", "image/jpeg"]
    caps = ";".join(form + asked for form in forms)
    return f"v4l2src device={device(spec.source)} ! {caps} ! decodebin ! {gstreamer.newest_pictures(spec, jetson)}"
