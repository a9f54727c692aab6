"""What GStreamer's pipelines have in common: how pictures leave them, and what the machine can do."""

from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

from edge.cameras.child import Command
from edge.cameras.spec import CameraSpec

LAUNCH, INSPECT = "gst-launch-1.0", "gst-inspect-1.0"
INSPECT_S = 30.0  # the first call after an installation reads every plug-in
NEWEST = "queue leaky=downstream max-size-buffers=1 max-size-bytes=0 max-size-time=0"
OUT = "gdppay ! fdsink fd=1 sync=false"


def is_jetson(root: Path) -> bool:
    """Whether the system under `root` is NVIDIA's L4T, whose decoders and cameras have elements of their own."""
    return (root / "etc/nv_tegra_release").exists()


def installed(*elements: str) -> bool:
    """Whether GStreamer's tools and all these elements are installed."""
    if not (shutil.which(LAUNCH) and shutil.which(INSPECT)):
        return False
    return all(_exists(element) for element in elements)


def _exists(element: str) -> bool:
    try:
        return subprocess.run([INSPECT, "--exists", element], capture_output=True, timeout=INSPECT_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def launch(pipeline: str) -> Command:
    """The command for a pipeline; no value in it holds a blank, so blanks are all that separates its words."""
    return Command((LAUNCH, "-q", *pipeline.split()))


def size_caps(width: int | None, height: int | None) -> str:
    return f",width={width},height={height}" if width and height else ""


def fps_caps(fps: float | None) -> str:
    if not fps:
        return ""
    rate = Fraction(fps).limit_denominator(1001)
    return f",framerate={rate.numerator}/{rate.denominator}"


def newest_pictures(spec: CameraSpec, jetson: bool) -> str:
    """From decoded pictures to the pipe: only the newest waits, scaled and thinned out where the spec asks for it, as I420."""
    wanted = f"video/x-raw,format=I420{size_caps(spec.width, spec.height)}"
    thinned = f"videorate drop-only=true max-rate={round(spec.fps)} ! " if spec.fps else ""
    convert = "nvvidconv" if jetson else "videoconvert ! videoscale" if spec.width else "videoconvert"
    return f"{NEWEST} ! {thinned}{convert} ! {wanted} ! {OUT}"
