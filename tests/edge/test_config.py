"""The operator's door: a good config is loaded whole, a bad one is told in one go, with line, key, value and what is allowed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from edge.config import Config, ConfigError, check, load
from edge.config.sections import Gate, Governor, Outbox, Tracking
from edge.gate import GateRules
from edge.governor import GovernorRules
from edge.mqtt.config import MqttConfig
from edge.outbox.outbox import OutboxLimits
from edge.tracker import TrackerRules
from tests.edge.configs import LEAST, folder, only, refused, written

__all__ = ["folder"]

ROOT = Path(__file__).parents[2]


def test_the_shipped_config_is_good_and_names_every_key(folder: Path) -> None:
    """What is left out has the value shown: so every value in it is the default, except for the examples."""
    text = (ROOT / "config.yaml").read_text()
    config, least = load(written(folder, text)), load(written(folder, LEAST))
    sections = (
        "detector",
        "enhancer",
        "reader",
        "tracking",
        "gate",
        "events",
        "outbox",
        "privacy",
        "commands",
        "audit",
        "health",
        "web",
        "governor",
    )
    for section in (*sections, "watchdog", "log", "stop_s", "zones", "lines", "roads"):
        assert getattr(config, section) == getattr(least, section), section
        names = [each.name for each in fields(getattr(config, section))] if is_dataclass(getattr(config, section)) else []
        assert [name for name in names if f" {name}: " not in text] == [], section


def test_absent_sections_have_defaults_and_paths_start_from_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    (folder / "clip.mp4").touch()
    config = load(written(folder, LEAST + "  - {id: clip, source: clip.mp4}"))
    assert config.detector.model == folder / "models/detector.yaml"
    assert config.outbox.path == folder / "var/outbox.db"
    assert config.mqtt.port_number == 1883
    assert [camera.source for camera in config.cameras] == ["rtsp://192.0.2.1/a", str(folder / "clip.mp4")]


def test_overrides_replace_what_the_file_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command line names is looked for where the command was given."""
    (folder / "here").mkdir()
    (folder / "here" / "clip.mp4").touch()
    monkeypatch.chdir(folder / "here")
    overrides = {"cameras": [{"id": "demo", "source": "clip.mp4"}], "mqtt.port": 1999, "events.early_score": 0.9}
    config = load(written(folder, LEAST), overrides)
    assert [camera.id for camera in config.cameras] == ["demo"]
    assert (config.mqtt.port, config.events.early_score) == (1999, 0.9)
    line = only(folder, LEAST, overrides={"cameras": [{"id": "demo", "source": "gone.mp4"}]})
    assert line == "cameras[0].source is 'gone.mp4': there is no such file or folder"


def test_a_section_says_what_its_owner_says() -> None:
    """Config and stage each have the default; a change of one alone would be a lie in config.yaml."""
    for section, owner in ((Gate, GateRules), (Tracking, TrackerRules), (Outbox, OutboxLimits), (Governor, GovernorRules)):
        theirs = {each.name: each.default for each in fields(owner)}
        shared = {each.name: each.default for each in fields(section) if each.name in theirs}
        assert shared and shared == {name: theirs[name] for name in shared}


def test_a_corrupted_model_is_refused(folder: Path) -> None:
    (folder / "models/reader.onnx").write_bytes(b"something else")
    line = only(folder, LEAST + "reader:\n  model: models/reader.yaml\n")
    assert line.startswith("line 6: reader.model is refused: ") and "sha256" in line and "fetch it again" in line


def test_a_model_of_another_stage_is_refused(folder: Path) -> None:
    line = only(folder, LEAST + "reader:\n  model: models/lpsr.yaml\n")
    assert line.endswith("a model of kind sr, expected kind ocr")
    line = only(folder, LEAST + "corners:\n  model: models/reader.yaml\n")
    assert line.endswith("a model of kind ocr, expected kind corners")


def test_what_is_no_text_file_is_refused(folder: Path) -> None:
    (folder / "config.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load(folder / "config.yaml")
    with pytest.raises(ConfigError, match="Is a directory"):
        load(folder)
    with pytest.raises(ConfigError, match="No such file"):
        load(folder / "gone.yaml")


def test_a_camera_password_comes_from_the_environment(folder: Path) -> None:
    text = LEAST.replace("rtsp://", "rtsp://viewer:${CAMERA_PASSWORD}@")
    config = load(written(folder, text), environment={"CAMERA_PASSWORD": "tr0ub4dor"})
    assert config.cameras[0].source == "rtsp://viewer:tr0ub4dor@192.0.2.1/a"
    line = only(folder, text, environment={})
    assert line.startswith("line 4: cameras[0].source is ") and line.endswith("the environment has no CAMERA_PASSWORD")


@pytest.mark.parametrize("password", ["two\x85lines", "two\u2028lines", "#: '{}"])
def test_a_password_is_taken_as_it_is(folder: Path, password: str) -> None:
    """YAML takes the first two for line breaks where they stand in a file. One from outside never comes by YAML."""
    config = load(written(folder, LEAST.replace("rtsp://", "rtsp://viewer:${CAMERA_PASSWORD}@")), environment={"CAMERA_PASSWORD": password})
    assert config.cameras[0].source == f"rtsp://viewer:{password}@192.0.2.1/a"


def test_the_environment_is_for_secrets_alone(folder: Path) -> None:
    """A host name from a shell's leftovers would be a fault that no file shows."""
    line = only(folder, LEAST + "mqtt:\n  tls: true\n  host: ${BROKER}\n", environment={"BROKER": "b"})
    assert line.startswith("line 7: mqtt.host is '${BROKER}', expected plain text")


def test_secrets_are_known_and_shown_nowhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_PASSWORD", "c0rrecthorse")
    text = LEAST.replace("rtsp://", "rtsp://viewer:tr0ub4dor@") + "mqtt: {user: unit, password_env: BROKER_PASSWORD}\n"
    config = load(written(folder, text))
    assert {"tr0ub4dor", "c0rrecthorse"} <= set(config.secrets())
    assert "tr0ub4dor" not in repr(config) and "c0rrecthorse" not in repr(config)
    broken = refused(folder, text + "stop_s: 0\nmqtt_password: c0rrecthorse\n")
    assert len(broken) == 2 and "tr0ub4dor" not in "".join(broken) and "c0rrecthorse" not in "".join(broken)


def test_check_prints_and_answers_with_an_exit_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(folder, LEAST)
    assert check(path) == 0
    assert capsys.readouterr().out == f"{path}: OK\n"
    written(folder, LEAST + "stop_s: 0\nlog: {level: loud}\n")
    assert check(path) == 1
    assert capsys.readouterr().out.startswith(f"{path}: 2 problems\n  line 5: stop_s is 0, expected")


def test_a_broken_config_ends_a_process_without_a_traceback(folder: Path) -> None:
    path = written(folder, LEAST + "stop_s: 0\n")
    code = f"import sys; from edge.config import check; sys.exit(check({str(path)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT, env=dict(os.environ))
    assert (done.returncode, done.stderr) == (1, "") and "line 5: stop_s" in done.stdout


def test_a_config_is_a_value(folder: Path) -> None:
    config = load(written(folder, LEAST))
    assert isinstance(config, Config) and isinstance(config.mqtt, MqttConfig)
    assert config == load(written(folder, LEAST))
    with pytest.raises(AttributeError):
        config.stop_s = 3  # type: ignore[misc]
