"""Capture with OpenCV instead of GStreamer: how its process is started, see `opencv_child`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from edge.cameras import rtsp
from edge.cameras.child import Command
from edge.cameras.spec import CameraSpec

VARIABLE = "KERBSIDE_CAPTURE"
ROOT = Path(__file__).resolve().parents[2]


def command(spec: CameraSpec) -> Command:
    """How the daemon starts this."""
    asked = {"source": spec.source, "width": spec.width, "height": spec.height, "fps": spec.fps, "mjpeg": spec.codec == "mjpeg"}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    options = rtsp.FFMPEG_OPTIONS + ("" if spec.tls_verify else "|tls_verify;0")
    environment = {VARIABLE: json.dumps(asked), "PYTHONPATH": path, "OPENCV_FFMPEG_CAPTURE_OPTIONS": options, "OPENCV_LOG_LEVEL": "ERROR"}
    return Command((sys.executable, "-m", "edge.cameras.opencv_child"), environment)
