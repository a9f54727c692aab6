"""Broken configs: each fault is told with line, key, value and what is allowed, all of them at once, and nothing else ever happens."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.cameras.spec import KINDS, CameraSpec
from edge.config import Config, ConfigError, load
from edge.config.sections import Detector, Device, Events, Gate, Log, Outbox, Reader, Tracking
from edge.mqtt.config import MqttConfig
from tests.edge.configs import LEAST, folder, refused, written

__all__ = ["folder"]
SECTION_TYPES = (Detector, Device, Events, Gate, Log, Outbox, Reader, Tracking)
BROKEN = {
    "not yaml": (
        LEAST + "mqtt: [host: a\nlog: {level: info}\n",
        ["line 6: column 4: is not YAML: expected ',' or ']', but got ':'"],
    ),
    "a Triton server without a protocol": (
        LEAST + "triton:\n  url: triton:8001\n",
        ["line 6: triton.url is 'triton:8001', expected http://host:8000, grpc://host:8001 or grpcs://host:8001"],
    ),
    "an authority where nothing is signed": (
        LEAST + "triton:\n  ca_file: ca.pem\n",
        ["line 6: triton.ca_file is 'ca.pem', expected none where url, 'grpc://localhost:8001', is not grpcs://"],
    ),
    "a typing mistake in a key": (
        LEAST + "detector:\n  treshold: 0.3\n",
        ["line 6: detector.treshold is no key: did you mean 'threshold'? allowed are longest_px, model, precision, threads, threshold"],
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
            "line 1: device.id is missing, expected at most 63 letters, digits, '.', '_' and '-', as a topic's level; or mqtt.cert_file",
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
        ["line 6: tracking.lost_s is NaN, expected a number above 0 and at most 86400"],
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
            "line 6: reader.model is 'a\\x00b', expected text in UTF-8 without \\0",
        ],
    ),
    "nothing": ("", ["holds no settings, expected `key: value` lines as in the shipped config.yaml"]),
    "an alias that holds itself": (
        LEAST + "regions: &all [*all]\n",
        ["line 5: column 10: nests too deep, or an alias in it holds itself"],
    ),
    "aliases that hold more values than a memory": (
        LEAST + "regions: [&a [1, 1], " + ", ".join(f"&{name} [*{old}, *{old}]" for old, name in pairwise("abcdefghijklmnop")) + "]\n",
        ["line 5: column 11: more than 10000 values, each alias counted in full"],
    ),
    "a day that no calendar has, where text is meant": (
        LEAST.replace("{id: unit-1}", "{id: unit-1, site: 2024-02-30}") + "stop_s: 2024-02-30\n",
        ["line 5: stop_s is '2024-02-30', expected a number above 0 and at most 60"],
    ),
    "words that are none of their kind": (
        LEAST + "stop_s: !!int ''\n",
        ["line 5: column 9: '' is no int"],
    ),
    "an integer longer than Python reads": (
        LEAST + f"stop_s: {'9' * 5000}\n",
        [f"line 5: column 9: '{'9' * 59} is no int"],
    ),
    "half of a character": (
        LEAST + 'regions: ["\\ud800"]\n',
        ["line 5: column 11: '\\ud800' holds half of a character, which nothing can write or send"],
    ),
    "a name with a line break behind it": (
        LEAST + '  - {id: "yard\\n", source: /dev/video0}\n',
        ["line 5: cameras[1].id is 'yard\\n', expected at most 63 letters, digits, '.', '_' and '-', as a topic's level"],
    ),
    "waits of more than a day": (
        LEAST + "tracking: {lost_s: 1.0e+300}\nmqtt: {status_s: 1.0e+10}\nprivacy: {rotate_days: 9999999999999999999}\n",
        [
            "line 5: tracking.lost_s is 1e+300, expected a number above 0 and at most 86400",
            "line 6: mqtt.status_s is '10000000000.0', expected above 0 and at most 86400",
            "line 7: privacy.rotate_days is 9999999999999999999, expected a whole number at least 1, and at most 36500",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_config_says_what_is_wrong(folder: Path, text: str, said: list[str]) -> None:
    assert refused(folder, text) == [line.replace("{folder}", str(folder)) for line in said]


def test_bytes_that_are_no_utf8_are_refused_wherever_they_come_from(folder: Path) -> None:
    """Python keeps them as half characters. The validator failed over them, without a key, and OpenCV ends the process at such a name."""
    secret = LEAST.replace("rtsp://", "rtsp://a:${SECRET}@")
    told = refused(folder, secret, environment={"SECRET": "geheim\udcff"})
    assert len(told) == 1 and "cameras[0].source is" in told[0] and told[0].endswith("expected variables of UTF-8 text")
    source = {"cameras": [{"id": "clip", "source": "clip\udcff.mp4"}]}
    told = refused(folder, LEAST, overrides=source)
    assert "cameras[0].source is 'clip\\udcff.mp4', expected text in UTF-8 without \\0" in told


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


TEXTS = st.text(max_size=8) | st.sampled_from(["${X}", "rtsp://a:b@c", "/dev/video0"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(TEXTS, SCALARS, max_size=2)
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
