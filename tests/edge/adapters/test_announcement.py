"""What is announced, and what is taken back when it is not wanted any more."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from edge.adapters.announcement import Announcement, HomeAssistant
from edge.adapters.home_assistant import Described
from edge.mqtt.config import Topics
from tests.edge.adapters.events import faults
from tests.edge.plates import IDENTITY

TOPIC = "homeassistant/device/kerbside_kerb-01/config"


def announcement(folder: Path, enabled: bool = True, prefix: str = "homeassistant", cameras: tuple[str, ...] = ("gate",)) -> Announcement:
    unit = Described(IDENTITY, Topics("kerbside", "kerb-01"), cameras, lists=False)
    return Announcement(HomeAssistant(enabled, prefix, folder / "var/announced.json"), unit)


def test_off_is_silent_and_leaves_no_file(tmp_path: Path) -> None:
    assert announcement(tmp_path, enabled=False)() == () and list(tmp_path.iterdir()) == []


def test_on_is_one_retained_message_with_every_connection(tmp_path: Path) -> None:
    announce = announcement(tmp_path)
    (first,), (second,) = announce(), announce()
    assert first == second and first.topic == TOPIC and first.retain and first.qos == 1


def test_switched_off_it_is_taken_back_with_every_connection_from_then_on(tmp_path: Path) -> None:
    announcement(tmp_path)()
    off = announcement(tmp_path, enabled=False)
    for _ in range(2):
        (message,) = off()
        assert (message.topic, message.payload, message.retain) == (TOPIC, b"", True)


def test_another_prefix_leaves_nothing_at_the_old_one(tmp_path: Path) -> None:
    announcement(tmp_path)()
    ended, told = announcement(tmp_path, prefix="ha")()
    assert (ended.topic, ended.payload) == (TOPIC, b"") and told.topic == "ha/device/kerbside_kerb-01/config" and told.payload


def test_a_camera_that_is_gone_is_removed_by_its_platform_alone(tmp_path: Path) -> None:
    announcement(tmp_path, cameras=("gate", "yard"))()
    (message,) = announcement(tmp_path, cameras=("gate",))()
    document = json.loads(message.payload)
    gone = {key: each for key, each in document["components"].items() if key.startswith("yard_")}
    assert gone == {
        "yard_plate": {"platform": "event"},
        "yard_last": {"platform": "sensor"},
        "yard_fps": {"platform": "sensor"},
        "yard_drops": {"platform": "sensor"},
        "yard_streaming": {"platform": "binary_sensor"},
    }
    assert faults("home-assistant-discovery", document) == []


@pytest.mark.parametrize("text", ["{", '["a"]', '{"a": 3}'])
def test_a_file_that_tells_nothing_is_said_and_no_fault(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var/announced.json").write_text(text)
    with caplog.at_level(logging.WARNING):
        assert len(announcement(tmp_path)()) == 1
    assert "cannot be read" in caplog.text
