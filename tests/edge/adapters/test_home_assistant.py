"""The discovery payload, against Home Assistant's documented fields; its templates, rendered as Home Assistant renders them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jinja2.sandbox import SandboxedEnvironment

from edge.adapters.fields import payload
from edge.adapters.home_assistant import Described, discovery, topic
from edge.events import TYPES
from edge.hits import hit_of
from edge.mqtt.config import Topics
from tests.edge.adapters.events import HIT, faults, stored
from tests.edge.plates import IDENTITY

UNIT = Described(IDENTITY, Topics("kerbside", "kerb-01"), ("gate", "yard.2"), lists=True)
STATUS = {
    "version": "0.2.0",
    "fps": 25.1,
    "temperatures_c": {"gpu": 61.5, "cpu": 48.0, "broken": None},
    "events": {"backlog": 3, "trouble": "", "alarm": ""},
    "cameras": {
        "gate": {"fps": 24.9, "phase": "streaming", "drops": {"overtaken": 2, "frozen": 1}},
        "yard.2": {"fps": None, "phase": "opening", "drops": {}},
    },
}


def rendered(component: dict[str, Any], message: dict[str, Any]) -> str:
    """A sandboxed Jinja with the parsed payload as value_json, as Home Assistant's templates are."""
    return SandboxedEnvironment().from_string(component["value_template"]).render(value_json=message)


def test_the_payload_has_the_documented_fields_alone() -> None:
    document = json.loads(payload(discovery(UNIT)))
    assert faults("home-assistant-discovery", document) == []
    assert len({each["unique_id"] for each in document["components"].values()}) == len(document["components"]) == 5 + 2 * 6
    assert document["availability_topic"] == "kerbside/kerb-01/availability"


def test_a_field_too_many_or_too_few_is_seen() -> None:
    """So that the schema is known to judge."""
    document = discovery(UNIT)
    document["components"]["fps"]["colour"] = "red"
    del document["components"]["gate_plate"]["event_types"]
    assert len(faults("home-assistant-discovery", document)) == 2


def test_the_topic_is_of_the_letters_that_are_allowed() -> None:
    other = Described(type(IDENTITY)("kerb.01", ""), UNIT.topics, (), False)
    assert topic(other, "ha") == "ha/device/kerbside_kerb_01/config"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fps", "25.1"), ("backlog", "3"), ("temperature", "61.5"), ("version", "0.2.0"), ("trouble", "OFF"), ("gate_fps", "24.9"),
        ("gate_drops", "3"), ("gate_streaming", "ON"), ("yard.2_fps", "None"), ("yard.2_drops", "0"), ("yard.2_streaming", "OFF"),
    ],
)  # fmt: skip
def test_diagnostics_are_read_off_the_status(key: str, value: str) -> None:
    component = discovery(UNIT)["components"][key]
    assert component["state_topic"] == "kerbside/kerb-01/status" and component["entity_category"] == "diagnostic"
    assert rendered(component, STATUS) == value


def test_a_machine_without_sensors_has_no_temperature() -> None:
    assert rendered(discovery(UNIT)["components"]["temperature"], {**STATUS, "temperatures_c": {}}) == "None"


@pytest.mark.parametrize("kind", TYPES)
def test_the_event_entity_takes_the_plate_event_as_it_is(kind: str) -> None:
    component = discovery(UNIT)["components"]["gate_plate"]
    said = json.loads(rendered(component, stored(type=kind)))
    assert said["event_type"] == kind and kind in component["event_types"]
    assert (said["plate"], said["score"], said["vehicle"]) == ("51F73420", 0.93, "kerb-01-ab12-1-gate-17")
    assert rendered(discovery(UNIT)["components"]["gate_last"], stored()) == "51F-734.20"


def test_a_hit_is_an_event_of_its_own() -> None:
    component = discovery(UNIT)["components"]["gate_hit"]
    event = stored(hits=(HIT,))
    said = json.loads(rendered(component, hit_of(event, event["hits"][0])))
    assert said["event_type"] == "allow" in component["event_types"] and said["note"] == "Anna's van"
    assert "gate_hit" not in discovery(Described(IDENTITY, UNIT.topics, ("gate",), lists=False))["components"]
