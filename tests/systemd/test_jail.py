"""The daemon needs nothing that its unit forbids: it reads plates under the shipped system call filter, without a capability."""

from __future__ import annotations

import ctypes.util
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.edge.cameras.conftest import RtspServer, needs_rtsp_server, rtsp_server
from tests.edge.mqtt.mosquitto import free_port
from tests.edge.waiting import until
from tests.systemd.rig import ROOT, UNIT, configured, got
from tests.systemd.test_units import needs_systemd

__all__ = ["needs_rtsp_server", "rtsp_server"]
pytestmark = [
    needs_systemd,
    pytest.mark.skipif(os.geteuid() != 0, reason="root alone may drop what it may do"),
    pytest.mark.skipif(ctypes.util.find_library("seccomp") is None, reason="no libseccomp (systemd brings it)"),
]


def jailed(*command: str) -> list[str]:
    return [sys.executable, "-m", "tests.systemd.jail", str(UNIT), sys.executable, *command]


@pytest.mark.parametrize("decoder", ["auto", "opencv"])
def test_the_daemon_reads_under_its_units_filter(tmp_path: Path, rtsp_server: RtspServer, decoder: str) -> None:
    """A clip plays, a network camera streams through a decoder of its own, the outbox commits, the page answers."""
    port = free_port()
    config = configured(tmp_path, 10, port)
    camera = f'"{rtsp_server.start().url()}", decoder: {decoder}'
    config.write_text(config.read_text().replace('"rtsp://127.0.0.1:1/none"', camera))
    process = subprocess.Popen(jailed("-m", "edge", "--config", str(config)), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: got(port, "/metrics").get("kerbside_frames_detected_total", 0) > 20, "frames that were read", 60)
        until(lambda: streams(port, "gone") and streams(port, "road"), "pictures from both cameras", 60)
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status
        assert got(port, "/healthz")["status"] == 200
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    assert "not permitted" not in said and "Traceback" not in said


def streams(port: int, camera: str) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        return bool(json.load(answer)["cameras"][camera] == "streaming")


@pytest.mark.parametrize("call", ["os.chroot('/')", "os.setuid(65534)", "os.nice(-5)"])
def test_the_filter_is_one(call: str) -> None:
    code = f"import os\ntry:\n    {call}\nexcept PermissionError: print('refused')"
    done = subprocess.run(jailed("-c", code), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "refused\n", done.stderr
