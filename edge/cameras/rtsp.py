"""A network camera over RTSP, H.264 or H.265, always over TCP: a lost UDP packet smears the picture for seconds."""

from __future__ import annotations

from urllib.parse import urlsplit

from edge.cameras import gstreamer
from edge.cameras.spec import CameraError, CameraSpec, shown

LATENCY_MS = 1000
"""How much the jitter buffer may hold before it throws packets away, which smears the picture until the next keyframe. It costs
no delay, since nothing waits for a clock (0.01 ms median over 100 ms, 332 pictures). With 100 ms, five hiccups of half a second
spoilt 4 of 92 H.264 pictures, with no bound none of 98; but without a bound, a machine that is too slow would fall behind for ever."""
FFMPEG_OPTIONS = "rtsp_transport;tcp|fflags;nobuffer"


def elements(jetson: bool) -> tuple[str, ...]:
    """What GStreamer must have for this, else OpenCV does it."""
    return ("rtspsrc", "rtph264depay", "h264parse", "gdppay", "nvv4l2decoder" if jetson else "avdec_h264")


def checked_url(source: str) -> str:
    """The URL, fit to stand in a pipeline; raises CameraError for one that has no host or a character that must be escaped."""
    bad = [char for char in source if char.isspace() or char in "\"'\\" or not char.isprintable()]
    if bad:
        raise CameraError(f"{shown(source)!r} holds {bad[0]!r}; write it percent-encoded, e.g. %{ord(bad[0]):02X}")
    try:
        parts = urlsplit(source)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise CameraError(f"{shown(source)!r} is no URL; expected rtsp://[user:password@]host[:port]/path") from None
    if not host:
        raise CameraError(f"{shown(source)!r} names no host; expected rtsp://[user:password@]host[:port]/path")
    return source


def pipeline(spec: CameraSpec, jetson: bool) -> str:
    """rtspsrc → decoder (NVIDIA's on a Jetson, FFmpeg's elsewhere) → newest pictures."""
    verify = "" if spec.tls_verify else " tls-validation-flags=0"
    source = f"rtspsrc location={checked_url(spec.source)} protocols=tcp latency={LATENCY_MS} drop-on-latency=true{verify}"
    return f"{source} ! {_decode(spec.codec, jetson)} ! {gstreamer.newest_pictures(spec, jetson)}"


def _decode(codec: str, jetson: bool) -> str:
    if codec == "auto":  # decodebin takes NVIDIA's decoder by its rank where there is one
        return "application/x-rtp,media=video ! decodebin"
    if codec not in ("h264", "h265"):
        raise CameraError(f"codec is {codec!r}, expected auto, h264 or h265 for RTSP")
    return f"rtp{codec}depay ! {codec}parse ! {'nvv4l2decoder' if jetson else f'avdec_{codec}'}"
