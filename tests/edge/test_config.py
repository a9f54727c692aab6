"""The operator's door: a good config is loaded whole, a bad one is told in one go, with line, key, value and what is allowed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alpr.types import ALPHABET
from edge.cameras.spec import KINDS, CameraSpec
from edge.config import Config, ConfigError, check, load
from edge.config.sections import Detector, Device, Events, Gate, Log, Outbox, Reader, Tracking
from edge.gate import GateRules
from edge.mqtt.config import MqttConfig
from edge.outbox.outbox import OutboxLimits
from edge.tracker import TrackerRules

ROOT = Path(__file__).parents[2]
SECTION_TYPES = (Detector, Device, Events, Gate, Log, Outbox, Reader, Tracking)
LEAST = """
device: {id: unit-1}
cameras:
  - id: road
    source: rtsp://192.0.2.1/a
"""


def write_model(folder: Path, stage: str, kind: str) -> None:
    """A model that a contract speaks truly of; nothing here runs it."""
    weights = stage.encode()
    (folder / f"{stage}.onnx").write_bytes(weights)
    contract = {
        "name": stage, "kind": kind, "version": "1", "file": f"{stage}.onnx", "sha256": hashlib.sha256(weights).hexdigest(),
        "licence": "Apache-2.0", "outputs": ["out"], "trained_on": ["rendered"], "measured": {}, "alphabet": ALPHABET,
        "input": {"name": "x", "layout": "NCHW", "colour": "RGB", "range": [0, 1], "size_px": [32, 96]},
    }  # fmt: skip
    (folder / f"{stage}.yaml").write_text(yaml.safe_dump(contract))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the models that a config names by default, and a password."""
    (tmp_path / "models").mkdir()
    for stage, kind in (("detector", "detection"), ("lpsr", "sr"), ("reader", "ocr")):
        write_model(tmp_path / "models", stage, kind)
    (tmp_path / "secret").write_text("c0rrecthorse\n")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text.lstrip("\n"), encoding="utf-8")
    return path


def refused(folder: Path, text: str, **more: Any) -> list[str]:
    """What is said about a config, a line each."""
    with pytest.raises(ConfigError) as caught:
        load(written(folder, text), **more)
    return str(caught.value).split("\n  ")[1:]


def only(folder: Path, text: str, **more: Any) -> str:
    lines = refused(folder, text, **more)
    assert len(lines) == 1, lines
    return lines[0]


def test_the_shipped_config_is_good_and_names_every_key(folder: Path) -> None:
    """What is left out has the value shown: so every value in it is the default, except for the examples."""
    text = (ROOT / "config.yaml").read_text()
    config, least = load(written(folder, text)), load(written(folder, LEAST))
    for section in ("detector", "enhancer", "reader", "tracking", "gate", "events", "outbox", "log", "stop_s"):
        assert getattr(config, section) == getattr(least, section), section
        names = [each.name for each in fields(getattr(config, section))] if section != "stop_s" else []
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
    for section, owner in ((Gate, GateRules), (Tracking, TrackerRules), (Outbox, OutboxLimits)):
        theirs = {each.name: each.default for each in fields(owner)}
        shared = {each.name: each.default for each in fields(section) if each.name in theirs}
        assert shared and shared == {name: theirs[name] for name in shared}


BROKEN = {
    "not yaml": (
        LEAST + "mqtt: [host: a\nlog: {level: info}\n",
        ["line 6: column 4: is not YAML: expected ',' or ']', but got ':'"],
    ),
    "a typing mistake in a key": (
        LEAST + "detector:\n  treshold: 0.3\n",
        ["line 6: detector.treshold is no key: did you mean 'threshold'? allowed are longest_px, model, threads, threshold"],
    ),
    "a value out of range": (
        LEAST + "detector:\n  threshold: 40\n",
        ["line 6: detector.threshold is 40, expected a number at least 0 and at most 1"],
    ),
    "a word for a number": (
        LEAST + "stop_s: soon\n",
        ["line 5: stop_s is 'soon', expected a number above 0 and at most 60"],
    ),
    "a choice that there is not": (
        LEAST + "log:\n  level: loud\n",
        ["line 6: log.level is 'loud', expected one of 'debug', 'info', 'warning', 'error'"],
    ),
    "a number for text": (
        LEAST + "mqtt:\n  version: 5\n",
        ["line 6: mqtt.version is 5, expected text in quotes"],
    ),
    "a country that YAML takes for false": (
        LEAST + "regions:\n  - VN\n  - NO\n",
        ["line 7: regions[1] is false, expected text in quotes"],
    ),
    "two cameras of one name": (
        LEAST + "  - id: road\n    source: /dev/video0\n",
        ["line 5: cameras[1].id is 'road', as is cameras[0].id: expected a name of its own"],
    ),
    "a certificate without its key": (
        LEAST + "mqtt:\n  tls: true\n  cert_file: unit.pem\n",
        ["line 7: mqtt.cert_file is 'unit.pem', expected given together with key_file"],
    ),
    "a password from two places": (
        LEAST + "mqtt:\n  user: unit\n  password_file: secret\n  password_env: SECRET\n",
        ["line 8: mqtt.password_env is 'SECRET', expected empty where password_file is given"],
    ),
    "files that are not there": (
        LEAST + "  - {id: clip, source: clip.mp4}\nmqtt:\n  user: unit\n  password_file: gone\nreader:\n  model: gone.yaml\n",
        [
            "line 5: cameras[1].source is '{folder}/clip.mp4': there is no such file or folder",
            "line 8: mqtt.password_file {folder}/gone cannot be read: No such file or directory",
            "line 10: reader.model is refused: {folder}/gone.yaml: cannot be read (No such file or directory); "
            "every model needs its contract beside it",
        ],
    ),
    "no camera": (
        "device: {id: a}\ncameras: []\n",
        ["line 2: cameras is empty, expected one camera or more"],
    ),
    "what must be said": (
        "device: {site: A1}\ncameras:\n  - source: /dev/video0\n",
        [
            "line 1: device.id is missing, expected at most 63 letters, digits, '.', '_' and '-', as a topic's level",
            "line 3: cameras[0].id is missing, expected text",
        ],
    ),
    "a key given twice": (
        LEAST + "stop_s: 1\nstop_s: 2\n",
        ["line 6: stop_s is given twice, first in line 5: keep one"],
    ),
    "a name that is no topic level": (
        LEAST.replace("unit-1", "unit/1"),
        ["line 1: device.id is 'unit/1', expected at most 63 letters, digits, '.', '_' and '-', as a topic's level"],
    ),
    "a source of no known kind": (
        LEAST.replace("rtsp://", "ftp://me:secret99@"),
        [f"line 4: cameras[0].source is 'ftp://***@192.0.2.1/a', expected {KINDS}"],
    ),
    "not a number at all": (
        LEAST + "tracking:\n  lost_s: .nan\n",
        ["line 6: tracking.lost_s is NaN, expected a number above 0"],
    ),
    "a section that is a value": (
        LEAST + "mqtt: localhost\n",
        ["line 5: mqtt is 'localhost', expected a mapping"],
    ),
    "scores the wrong way round": (
        LEAST + "events: {early_score: 0.5, final_score: 0.8}\n",
        ["line 5: events.early_score is 0.5, expected at least events.final_score, 0.8"],
    ),
    "a name that no file can have": (
        LEAST + f"  - {{id: clip, source: {'a' * 300}}}\nreader: {{model: \"a\\0b\"}}\n",
        [
            f"line 5: cameras[1].source is {'a' * 300!r}: File name too long",
            "line 6: reader.model is 'a\\x00b', expected text without \\0",
        ],
    ),
    "nothing": ("", ["holds no settings, expected `key: value` lines as in the shipped config.yaml"]),
    "an alias that holds itself": (LEAST + "regions: &all [*all]\n", ["nests too deep, or an alias in it holds itself"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_config_says_what_is_wrong(folder: Path, text: str, said: list[str]) -> None:
    assert refused(folder, text) == [line.replace("{folder}", str(folder)) for line in said]


def test_everything_wrong_is_told_at_once_and_by_line(folder: Path) -> None:
    """Sections tell their first fault only, and clashes show in good values only: neither may hide the rest."""
    text = """
device: {id: unit-1}
cameras:
  - {id: a, source: /dev/video0, stall_s: -1, codec: vp9}
  - {id: a, source: /dev/video0, fpz: 25}
  - {source: "csi:0"}
mqtt: {port: 70000, keepalive_s: 0, cert_file: a.pem, windw: 3}
regions: [VN, XX]
outbox: {size_mb: "12"}
mqttt: {}
"""
    lines = refused(folder, text)
    keys = [line.split(" ")[2] for line in lines]
    assert keys == [
        "cameras[0].codec", "cameras[0].stall_s", "cameras[1].fpz", "cameras[1].id", "cameras[1].source", "cameras[2].id",
        "cameras[2].source", "mqtt.keepalive_s", "mqtt.port", "mqtt.tls", "mqtt.windw", "regions[1]", "outbox.size_mb", "mqttt",
    ]  # fmt: skip
    numbers = [int(line.split(" ")[1].rstrip(":")) for line in lines]
    assert numbers == sorted(numbers) and (numbers[0], numbers[-1]) == (3, 9)


def test_a_corrupted_model_is_refused(folder: Path) -> None:
    (folder / "models/reader.onnx").write_bytes(b"something else")
    line = only(folder, LEAST + "reader:\n  model: models/reader.yaml\n")
    assert line.startswith("line 6: reader.model is refused: ") and "sha256" in line and "fetch it again" in line


def test_a_model_of_another_stage_is_refused(folder: Path) -> None:
    line = only(folder, LEAST + "reader:\n  model: models/lpsr.yaml\n")
    assert line.endswith("a model of kind sr, expected kind ocr")


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


def test_the_environment_is_for_secrets_alone(folder: Path) -> None:
    """A host name from a shell's leftovers would be a fault that no file shows."""
    line = only(folder, LEAST + "mqtt:\n  host: ${BROKER}\n", environment={"BROKER": "b"})
    assert line.startswith("line 6: mqtt.host is '${BROKER}', expected plain text")


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


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["${X}", "rtsp://a:b@c", "/dev/video0"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=4
)
SECTIONS = [each.name for each in fields(Config)] + ["other"]
KEYS = sorted({each.name for owner in (*SECTION_TYPES, MqttConfig, CameraSpec) for each in fields(owner)})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(SECTIONS), VALUES | st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3), max_size=4))
def test_whatever_is_written_is_loaded_or_refused_with_words(folder: Path, values: dict[str, Any]) -> None:
    path = written(folder, yaml.safe_dump(yaml.safe_load(LEAST) | values, allow_unicode=True))
    try:
        load(path, environment={})
    except ConfigError as error:
        assert error.problems and all(problem.text for problem in error.problems)


def test_a_config_is_a_value(folder: Path) -> None:
    config = load(written(folder, LEAST))
    assert isinstance(config, Config) and isinstance(config.mqtt, MqttConfig)
    assert config == load(written(folder, LEAST))
    with pytest.raises(AttributeError):
        config.stop_s = 3  # type: ignore[misc]
