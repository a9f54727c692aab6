"""From picture to Home Assistant: the whole unit on a rendered clip, with a list, every adapter and a real broker."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.config import load
from edge.mqtt.config import Topics
from edge.unit import Unit
from tests.edge.adapters.test_home_assistant import rendered
from tests.edge.mqtt.mosquitto import Ear, Mosquitto, needs_mosquitto
from tests.edge.test_unit import first_seconds

__all__ = ["first_seconds"]
pytestmark = needs_mosquitto
SHAPES = ("frigate/tracked_object_update", "kerbside/kerbside-01/gate/openalpr", "kerbside/kerbside-01/gate/platerecognizer")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    started = Mosquitto(tmp_path / "broker").start()
    yield started
    started.stop()


def test_a_listed_vehicle_is_a_hit_and_is_read_in_every_shape(root: Path, first_seconds: Path, tmp_path: Path, broker: Mosquitto) -> None:
    truth = {each["text"] for each in json.loads((root / "samples/street.truth.json").read_text())["vehicles"]}
    (tmp_path / "all.txt").write_text("\n".join(f"{plate}, of the clip" for plate in truth))
    changes = {
        "cameras": [{"id": "gate", "source": str(first_seconds)}],
        "mqtt": {"host": "127.0.0.1", "port": broker.port},
        "outbox.path": str(tmp_path / "outbox.db"),
        "lists": [{"name": "clip", "kind": "allow", "file": str(tmp_path / "all.txt")}],
        "adapters": {"frigate": True, "openalpr": True, "plate_recognizer": True},
        "home_assistant": {"enabled": True, "announced": str(tmp_path / "announced.json")},
        "stop_s": 20,
    }
    ear = Ear(broker.port)
    unit = Unit(load(root / "config.yaml", changes), np.random.default_rng(0), threading.Event())
    try:
        unit.start()
        unit.run()
        assert unit.publisher.drain(60)
    finally:
        unit.close()
    topics = Topics("kerbside", "kerbside-01")
    events = [json.loads(each) for each in ear.payloads(topics.of("gate/plate"))]
    hits = [json.loads(each) for each in ear.payloads(topics.hit("gate"))]
    ear.close()
    assert events and all(len(ear.payloads(topic)) == len(events) for topic in SHAPES)
    assert {hit["event"] for hit in hits} >= {event["id"] for event in events if event["plate"] in truth}
    right = [hit for hit in hits if hit["plate"] == hit["read"]]
    assert right and all(hit["list"] == "clip" and hit["probability"] > 0.5 and hit["note"] == "of the clip" for hit in right)
    (told,) = ear.payloads("homeassistant/device/kerbside_kerbside-01/config")
    entity = json.loads(told)["components"]["gate_plate"]
    seen = [json.loads(rendered(entity, event)) for event in events]
    assert [each["plate"] for each in seen] == [event["plate"] for event in events]
    assert {each["event_type"] for each in seen} <= set(entity["event_types"])
