"""The daemon itself, with everything logged that it can log: no password is in a line of it, nor in what it says of a broken config."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.edge.mqtt.mosquitto import Mosquitto, needs_mosquitto
from tests.edge.waiting import until

SECRETS = {"CAMERA_PASSWORD": "tr0ub%404dor", "BROKER_PASSWORD": "c0rrect horse", "TOKEN": "q8q8q8q8"}
SHOWN = ("tr0ub%404dor", "tr0ub@4dor", "c0rrect horse", "q8q8q8q8")
CONFIG = """
device: {{id: unit-1}}
cameras:
  - {{id: road, source: "rtsp://viewer:${{CAMERA_PASSWORD}}@127.0.0.1:1/a?token=${{TOKEN}}", decoder: {decoder}}}
detector: {{model: {models}/detector.yaml}}
enhancer: {{model: {models}/lpsr.yaml}}
reader: {{model: {models}/reader.yaml}}
mqtt: {{host: 127.0.0.1, port: {port}, user: viewer, password_env: BROKER_PASSWORD}}
health: {{port: 0}}
log: {{level: debug}}
"""


@pytest.fixture
def run(root: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []

    def start(text: str, *more: str) -> subprocess.Popen[str]:
        (tmp_path / "config.yaml").write_text(text)
        command = [sys.executable, "-m", "edge", "--config", str(tmp_path / "config.yaml"), *more]
        with (tmp_path / "log").open("w") as log:
            running.append(subprocess.Popen(command, cwd=root, env={**os.environ, **SECRETS}, stdout=log, stderr=log, text=True))
        return running[-1]

    yield start
    for each in running:
        each.kill()
        each.wait(10)


@needs_mosquitto
@pytest.mark.parametrize("decoder", ["auto", "opencv"])
def test_a_daemon_that_gets_in_nowhere_shows_no_password(
    run: Callable[..., subprocess.Popen[str]], root: Path, tmp_path: Path, mosquitto: Callable[..., Mosquitto], decoder: str
) -> None:
    """A camera that is not there, a broker that does not let it in, a reload whose config is wrong."""
    broker = mosquitto(anonymous=False)
    text = CONFIG.format(decoder=decoder, models=root / "models", port=broker.port)
    daemon = run(text)
    log = tmp_path / "log"
    until(lambda: "camera road: down" in log.read_text() and "refused" in log.read_text(), "both refusals", 60)
    (tmp_path / "config.yaml").write_text(text + "nonsense: c0rrect horse\n")
    daemon.send_signal(signal.SIGHUP)
    until(lambda: "nonsense is no key" in log.read_text(), "the refusal of the config")
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0
    said = log.read_text()
    assert [secret for secret in SHOWN if secret in said] == []
    assert "***" in said


def test_what_is_wrong_with_a_config_is_told_without_its_secrets(
    run: Callable[..., subprocess.Popen[str]], root: Path, tmp_path: Path
) -> None:
    text = CONFIG.format(decoder="nothing", models=root / "models", port=70000)
    assert run(text, "--check-config").wait(60) == 1
    said = (tmp_path / "log").read_text()
    assert "decoder is 'nothing'" in said and "mqtt.port is '70000'" in said
    assert [secret for secret in SHOWN if secret in said] == []
