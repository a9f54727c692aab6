"""What README has the operator type, on a unit that runs: as it stands there, in a folder with the shipped config."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.edge.mqtt.mosquitto import free_port
from tests.edge.waiting import until

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PATIENCE_S = 240.0


def operators(start: str) -> list[str]:
    """The words of README's command that starts so."""
    found = re.search(rf"^    ({re.escape(start)}.*)$", README, re.MULTILINE)
    assert found is not None, f"README has no {start}"
    return shlex.split(found[1], comments=True)


def typed(words: list[str], folder: Path) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, f"{shlex.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


def shipped(folder: Path, port: int) -> Path:
    """config.yaml with a camera that is there, no broker, and a health page that is nobody else's."""
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    changes = {
        "rtsp://192.0.2.10/stream1": f"{ROOT}/samples/street.mp4", "loop: false": "loop: true", "realtime: false": "realtime: true",
        "models/": f"{ROOT}/models/", "port: 9108": f"port: {port}", "  port: 0  ": "  port: 1  ",
    }  # fmt: skip
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.timeout(900)
def test_the_operators_commands_work_on_a_running_unit(tmp_path: Path) -> None:
    port = free_port()
    config, log = shipped(tmp_path, port), tmp_path / "log.txt"
    page = operators("curl")[1].replace("9108", str(port))

    def metrics() -> str:
        try:
            with urllib.request.urlopen(f"http://{page}", timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""  # it is not up yet

    assert "OK" in typed(operators("python -m edge --config config.yaml --check-config"), tmp_path)
    with log.open("wb") as file:
        command = [sys.executable, "-m", "edge", "--config", "config.yaml"]
        unit = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=file)
    try:
        until(lambda: re.search(r"kerbside_frames_detected_total\S* [1-9]", metrics()), "frames in the metrics", PATIENCE_S)
        assert json.loads(typed(operators("python -m tools.outbox state"), tmp_path))["backlog"] >= 0
        assert set(json.loads(typed(operators("python -m tools.erase"), tmp_path))) >= {"waiting", "kept", "dead_letters"}
        audit = (tmp_path / "var/audit.jsonl").read_text(encoding="utf-8")
        assert "erasure begun" in audit and "51F73420" not in audit
        config.write_text(config.read_text(encoding="utf-8").replace("regions: [VN, TW, BR]", "regions: [VN]"), encoding="utf-8")
        assert operators("kill") == ["kill", "-HUP", "PID"]
        typed(["kill", "-HUP", str(unit.pid)], tmp_path)
        until(lambda: "in force: regions" in log.read_text(encoding="utf-8"), "the reload", PATIENCE_S)
        unit.send_signal(signal.SIGTERM)
        assert unit.wait(PATIENCE_S) == 0, log.read_text(encoding="utf-8")
    finally:
        unit.kill()
