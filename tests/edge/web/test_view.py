"""The page from the command line: opened with the unit, closed with it, and read-only where it shows another camera than the config's."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.waiting import until


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@pytest.mark.parametrize(("options", "camera", "ground"), [(("--demo",), "camera", 403), ((), "road", 200)])
def test_the_view_opens_and_closes_with_the_unit(root: Path, tmp_path: Path, options: tuple[str, ...], camera: str, ground: int) -> None:
    port = free_port()
    config = tmp_path / "config.yaml"
    text = (root / "config.yaml").read_text().replace("models/", f"{root}/models/").replace("port: 9109", f"port: {port}")
    text = text.replace("rtsp://192.0.2.10/stream1", str(root / "samples/street.mp4")).replace("loop: false", "loop: true")
    config.write_text(text.replace("port: 9108", "port: 0").replace("var/", f"{tmp_path}/var/"))
    command = [sys.executable, "-m", "edge", "--config", str(config), "--view", *options]
    unit = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: status(port, "/") == 200, "the page", timeout_s=100)
        assert status(port, "/api/state") == 200
        assert status(port, f"/api/ground/{camera}") == ground, "what is drawn over another camera has no place in this config"
        unit.send_signal(signal.SIGTERM)
        said = unit.communicate(timeout=60)[1]
        assert unit.returncode == 0 and "Traceback" not in said, said
    finally:
        unit.kill()
