"""Plate Recognizer Stream's webhook, field by field as https://guides.platerecognizer.com/docs/stream/results has it."""

from __future__ import annotations

import json
from dataclasses import replace

from alpr.types import RegionMatch
from edge.adapters import plate_recognizer
from edge.mqtt.config import Topics
from tests.edge.adapters.events import faults, stored
from tests.edge.plates import vote


def test_a_recognition_has_the_documented_fields() -> None:
    message = plate_recognizer.message(stored(), Topics("kerbside", "kerb-01"))
    document = json.loads(message.payload)
    assert message.topic == document["hook"]["target"] == "kerbside/kerb-01/gate/platerecognizer"
    assert faults("plate-recognizer-webhook", document) == []


def test_a_result_says_what_was_read() -> None:
    data = plate_recognizer.recognition(stored(), "x")["data"]
    assert (data["camera_id"], data["timestamp"]) == ("gate", "2023-11-14T22:13:20.123Z")
    assert data["timestamp_local"] == "2023-11-14 22:13:20.123+00:00"
    (result,) = data["results"]
    assert (result["plate"], result["score"], result["region"]) == ("51f73420", 0.93, {"code": "vn", "score": 0.97})
    assert result["box"] == {"xmin": 100, "ymin": 200, "xmax": 180, "ymax": 226}
    assert result["candidates"] == [{"plate": "51f73420", "score": 0.93}, {"plate": "51f73428", "score": 0.02}]


def test_a_plate_of_no_grammar_has_no_region() -> None:
    event = stored(vote=replace(vote(), region=RegionMatch("", "", 0.4, False)))
    (result,) = plate_recognizer.recognition(event, "x")["data"]["results"]
    assert (
        result["region"] == {"code": "", "score": 0} and faults("plate-recognizer-webhook", plate_recognizer.recognition(event, "x")) == []
    )
