"""A unit on the sample clip under the stand-in for systemd, with the shipped unit's times."""

from __future__ import annotations

import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.systemd.manager import Manager, Policy

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "systemd/kerbside.service"
CONFIG = """
device: {{id: frozen}}
cameras:
  - {{id: road, source: {clip}, loop: true, realtime: true}}
  - {{id: gone, source: "rtsp://127.0.0.1:1/none"}}
detector: {{model: {models}/detector.yaml}}
enhancer: {{model: {models}/lpsr.yaml}}
reader: {{model: {models}/reader.yaml}}
gate: {{enhance: always}}
mqtt: {{host: 127.0.0.1, port: {broker_port}}}
health: {{port: {health_port}}}
watchdog: {{stage_s: {stage_s}}}
"""


def manager(folder: Path, stage_s: float, policy: Policy | None = None, **ports: int) -> Manager:
    """`folder`/freeze makes it freeze."""
    config = configured(folder, stage_s, **ports)
    command = [sys.executable, "-m", "tests.systemd.daemon", str(folder / "freeze"), "--config", str(config)]
    return Manager(command, folder, policy or Policy.of(UNIT), {"PYTHONPATH": str(ROOT)})


def configured(folder: Path, stage_s: float, health_port: int = 0, broker_port: int = 1) -> Path:
    """No page with port 0, and nobody listens on port 1."""
    config = folder / "config.yaml"
    places = {"clip": ROOT / "samples/street.mp4", "models": ROOT / "models"}
    config.write_text(CONFIG.format(**places, stage_s=stage_s, health_port=health_port, broker_port=broker_port))
    return config


def got(port: int, path: str) -> dict[str, float]:
    """The health page's numbers by name, and its status; nothing where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            lines = answer.read().decode().splitlines() if path == "/metrics" else []
            numbers = [line.split() for line in lines if not line.startswith("#") and "{" not in line]
            return {"status": answer.status, **{name: float(value) for name, value in numbers}}
    except OSError:
        return {}


def turn_until(managing: Manager, holds: Callable[[], bool], what: str, timeout_s: float = 120.0) -> float:
    """Let the manager work until something holds → how many seconds that took."""
    began_s = time.monotonic()
    while not holds():
        managing.turn()
        if time.monotonic() - began_s > timeout_s:
            raise AssertionError(f"not within {timeout_s:g} s: {what}\n{managing.log.read_text()[-4000:]}")
    return time.monotonic() - began_s
