"""Cameras for the tests: video files of our own making, and a real RTSP server as a child process."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.cameras import Camera, CameraSpec, gstreamer, open_camera
from edge.cameras.rtsp import elements
from tests.edge.cameras.consumer import Consumer
from tests.edge.cameras.scenes import scene

SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).with_name("rtsp_server.py")
QUICK = {"stall_s": 30.0, "open_s": 60.0, "backoff_min_s": 0.05, "backoff_max_s": 0.3}
"""Quick to open again, and slow to call it a stall on a busy machine; tests of stalls set their own bounds."""


def write_video(path: Path, frames: int, fourcc: str = "mp4v", size: tuple[int, int] = (320, 240), fps: float = 25) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*fourcc), fps, size)
    assert writer.isOpened()
    for number in range(frames):
        writer.write(scene(number, *size))
    writer.release()
    return path


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 frames, 320x240, 25 per second, its index at the end, as most programs write it."""
    return write_video(tmp_path_factory.mktemp("video") / "p001.mp4", 60)


@pytest.fixture
def consume() -> Iterator[Callable[[CameraSpec], Consumer]]:
    """Open a camera and take its pictures; all of them are closed after the test."""
    opened: list[tuple[Camera, Consumer]] = []

    def start(spec: CameraSpec) -> Consumer:
        camera = open_camera(spec, np.random.default_rng(1))
        opened.append((camera, Consumer(camera)))
        return opened[-1][1]

    yield start
    for camera, consumer in opened:
        camera.close()
        consumer.finish()


@dataclass
class RtspServer:
    """A network camera that can be stalled, killed and started again."""

    port: int
    process: subprocess.Popen[str] | None = None

    def url(self, login: str = "", path: str = "/gate") -> str:
        return f"rtsp://{login + '@' if login else ''}127.0.0.1:{self.port}{path}"

    def start(self, codec: str = "h264", width: int = 320, height: int = 240, login: str = "") -> RtspServer:
        command = [SYSTEM_PYTHON, str(SERVER), str(self.port), codec, str(width), str(height), *([login] if login else [])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], 20)[0], "the RTSP server did not start"
        assert self.process.stdout.readline() == "ready\n"
        return self

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            self.process.wait(5)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None


@pytest.fixture(scope="session")
def needs_rtsp_server() -> None:
    """Skips where the parts of the local RTSP server are not installed; the build installs them."""
    if not gstreamer.installed(*elements(jetson=False), "x264enc", "rtph264pay"):
        pytest.skip(
            "GStreamer is not installed: apt-get install gstreamer1.0-tools gstreamer1.0-plugins-{base,good,bad,ugly} gstreamer1.0-libav"
        )
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True, check=False).returncode:
        pytest.skip("the system's Python has no GstRtspServer: apt-get install python3-gi gir1.2-gst-rtsp-server-1.0")


@pytest.fixture
def rtsp_server(needs_rtsp_server: None) -> Iterator[RtspServer]:
    """A server on a free port, not yet started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = RtspServer(probe.getsockname()[1])
    yield server
    server.kill()
