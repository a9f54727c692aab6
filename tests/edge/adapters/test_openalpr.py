"""OpenALPR's results and groups, field by field as its agent's documentation has them."""

from __future__ import annotations

import json
from zlib import crc32

import numpy as np
import pytest

from edge.adapters import openalpr
from edge.mqtt.config import Topics
from tests.edge.adapters.events import faults, stored

TOPICS = Topics("kerbside", "kerb-01")


@pytest.mark.parametrize(("kind", "schema"), [("early", "openalpr-results"), ("final", "openalpr-group")])
def test_early_is_a_result_and_final_a_group(kind: str, schema: str) -> None:
    message = openalpr.message(stored(type=kind), TOPICS)
    assert message.topic == "kerbside/kerb-01/gate/openalpr"
    document = json.loads(message.payload)
    assert document["data_type"] == f"alpr_{schema.rpartition('-')[2]}" and faults(schema, document) == []


def test_a_group_says_what_was_read() -> None:
    group = openalpr.group(stored())
    assert (group["best_plate_number"], group["best_confidence"], group["best_region"], group["country"]) == ("51F73420", 93.0, "vn", "vn")
    assert group["epoch_start"] == group["epoch_end"] == 1_700_000_000_123
    assert group["candidates"][0] == {"plate": "51F73420", "confidence": 93.0, "matches_template": 1}
    assert group["candidates"][1] == {"plate": "51F73428", "confidence": 2.0, "matches_template": 1}
    assert group["best_plate"]["coordinates"][0] == {"x": 100, "y": 201}
    assert group["uuids"] == [group["best_uuid"]] == ["kerb-01-ab12-7"] and group["user_data"] == "kerb-01-ab12-1-gate-17"
    assert group["camera_id"] == crc32(b"kerb-01/gate")


def test_what_the_stages_took_is_the_processing_time() -> None:
    event = stored(type="early", latency_ms={"wait": 50, "detect": 8, "read": 3.5, "vote": 0.5, "capture_to_event": 400})
    assert openalpr.results(event)["processing_time_ms"] == 12.0


def test_corners_outside_the_picture_are_brought_to_its_edge() -> None:
    quad = np.array([[-4, -2], [1300, 5], [1290, 730], [-1, 725]], np.float32)
    corners = openalpr.results(stored(quad=quad))["results"][0]["coordinates"]
    assert [(each["x"], each["y"]) for each in corners] == [(0, 0), (1280, 5), (1280, 720), (0, 720)]
