"""Frigate's two messages, field by field as https://docs.frigate.video/integrations/mqtt/ has them."""

from __future__ import annotations

import json

import pytest

from alpr.types import Course, Speed
from edge.adapters import frigate
from tests.edge.adapters.events import HIT, faults, stored

UPDATE = {"type", "id", "name", "plate", "score", "camera", "timestamp"}
TRACKED = {
    "id", "camera", "frame_time", "snapshot", "label", "sub_label", "top_score", "false_positive", "start_time", "end_time", "score",
    "box", "area", "ratio", "region", "current_zones", "entered_zones", "thumbnail", "has_snapshot", "has_clip", "active", "stationary",
    "motionless_count", "position_changes", "attributes", "current_attributes", "current_estimated_speed", "average_estimated_speed",
    "velocity_angle", "recognized_license_plate", "recognized_license_plate_score",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["early", "final"])
@pytest.mark.parametrize("hits", [(), (HIT,)])
def test_both_messages_have_the_documented_fields(kind: str, hits: tuple[object, ...]) -> None:
    event = stored(type=kind, hits=hits)
    update, change = frigate.messages(event, "nvr/frigate")
    assert (update.topic, change.topic) == ("nvr/frigate/tracked_object_update", "nvr/frigate/events")
    assert set(json.loads(update.payload)) == UPDATE and set(json.loads(change.payload)["after"]) == TRACKED
    assert faults("frigate-tracked-object-update", json.loads(update.payload)) == []
    assert faults("frigate-events", json.loads(change.payload)) == []


def test_an_update_says_what_was_read() -> None:
    assert frigate.update(stored(hits=(HIT,))) == {
        "type": "lpr",
        "id": "kerb-01-ab12-1-gate-17",
        "name": "Anna's van",
        "plate": "51F73420",
        "score": 0.93,
        "camera": "gate",
        "timestamp": pytest.approx(1_700_000_000.123),
    }
    assert frigate.update(stored())["name"] is None


def test_an_early_event_is_new_and_a_final_one_the_end() -> None:
    early, final = frigate.change(stored(type="early")), frigate.change(stored(type="final"))
    assert (early["type"], final["type"]) == ("new", "end")
    assert early["after"]["end_time"] is None and final["after"]["end_time"] and final["before"]["end_time"] is None
    assert final["after"]["box"] == [100, 200, 180, 226] and final["after"]["area"] == 80 * 26


def test_an_older_rows_missing_fields_are_no_fault() -> None:
    event = {name: value for name, value in stored().items() if name not in ("hits", "zone", "parked", "dwell_s", "crossings", "speed")}
    assert frigate.change(event)["after"]["entered_zones"] == [] and frigate.change(event)["after"]["average_estimated_speed"] == 0


def test_a_speed_that_was_told_is_both_of_frigates() -> None:
    told = frigate.change(stored(course=Course(speed=Speed(48.34, 1.2, 1_700_000_000.0))))["after"]
    assert (told["current_estimated_speed"], told["average_estimated_speed"]) == (48.3, 48.3)
    assert frigate.change(stored())["after"]["current_estimated_speed"] == 0
