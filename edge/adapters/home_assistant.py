"""Home Assistant's MQTT discovery: one retained message that describes the unit as a device, with an event entity a camera, its last plate,
and diagnostics. They read the topics that the unit has anyway.

Source of the fields: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload, /event.mqtt/, /sensor.mqtt/ and
/binary_sensor.mqtt/ beside it. Home Assistant 2024.11 or newer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import alpr
from edge.events import TYPES, Identity
from edge.mqtt.config import Topics

Component = dict[str, Any]
PLATE = ("plate", "raw", "score", "candidates", "id", "vehicle", "captured", "direction", "stationary", "speed", "height_px", "backfilled")
HIT = ("list", "plate", "note", "probability", "read", "score", "id", "event", "vehicle", "captured", "direction", "backfilled")
DIAGNOSTIC = {"entity_category": "diagnostic"}
KINDS = ("allow", "deny", "named")


@dataclass(frozen=True, slots=True)
class Described:
    """What there is to be discovered."""

    identity: Identity
    topics: Topics
    cameras: Sequence[str]
    lists: bool  # whether there are any


def topic(unit: Described, prefix: str) -> str:
    """Its levels are of letters, digits, '_' and '-'; a device's name may hold a '.'."""
    return f"{prefix}/device/kerbside_{re.sub(r'[^A-Za-z0-9_-]', '_', unit.identity.device)}/config"


def discovery(unit: Described) -> dict[str, Any]:
    """The payload: who it is, when it is there, and its entities by a key of their own."""
    device = unit.identity.device
    return {
        "device": {
            "identifiers": [f"kerbside_{device}"],
            "name": device,
            "manufacturer": "Kerbside",
            "model": "Licence-plate reader",
            "sw_version": alpr.__version__,
        },
        "origin": {"name": "Kerbside", "sw_version": alpr.__version__},
        "availability_topic": unit.topics.availability,
        "qos": 1,
        "components": {
            key: {**component, "unique_id": f"kerbside_{device}_{key}"}
            for part in (_unit(unit), *(_camera(unit, camera) for camera in unit.cameras))
            for key, component in part
        },
    }


def _unit(unit: Described) -> Iterator[tuple[str, Component]]:
    status = {"state_topic": unit.topics.status, **DIAGNOSTIC}
    measured = {"platform": "sensor", "state_class": "measurement", **status}
    warmest = "{% set all = value_json.temperatures_c.values() | select('number') | list %}{{ all | max if all else none }}"
    celsius = {"device_class": "temperature", "unit_of_measurement": "°C", "suggested_display_precision": 0}
    trouble = "{{ 'ON' if value_json.events.trouble or value_json.events.alarm else 'OFF' }}"
    yield "fps", {**measured, "name": "Frames per second", "unit_of_measurement": "fps", "value_template": "{{ value_json.fps }}"}
    yield "backlog", {**measured, "name": "Events waiting", "value_template": "{{ value_json.events.backlog }}"}
    yield "temperature", {**measured, **celsius, "name": "Temperature", "value_template": warmest}
    yield "version", {"platform": "sensor", **status, "name": "Version", "value_template": "{{ value_json.version }}"}
    yield "trouble", {"platform": "binary_sensor", "device_class": "problem", **status, "name": "Trouble", "value_template": trouble}


def _camera(unit: Described, camera: str) -> Iterator[tuple[str, Component]]:
    plates = unit.topics.of(f"{camera}/plate")
    status = {"state_topic": unit.topics.status, **DIAGNOSTIC}
    own = f"value_json.cameras['{camera}']"
    last = "{{ value_json.region.display or value_json.plate }}"
    streaming = f"{{{{ 'ON' if {own}.phase == 'streaming' else 'OFF' }}}}"
    fps = {"unit_of_measurement": "fps", "state_class": "measurement", "value_template": f"{{{{ {own}.fps }}}}"}
    drops = {"state_class": "total_increasing", "value_template": f"{{{{ {own}.drops.values() | sum }}}}"}
    yield f"{camera}_plate", _event(f"{camera} plate", plates, TYPES, "type", PLATE)
    if unit.lists:
        yield f"{camera}_hit", _event(f"{camera} list", unit.topics.hit(camera), KINDS, "kind", HIT)
    yield f"{camera}_last", {"platform": "sensor", "name": f"{camera} last plate", "state_topic": plates, "value_template": last}
    yield f"{camera}_fps", {"platform": "sensor", "name": f"{camera} frames per second", **fps, **status}
    yield f"{camera}_drops", {"platform": "sensor", "name": f"{camera} frames dropped", **drops, **status}
    connectivity = {"platform": "binary_sensor", "device_class": "connectivity", "name": f"{camera} picture"}
    yield f"{camera}_streaming", {**connectivity, "value_template": streaming, **status}


def _event(name: str, source: str, types: Sequence[str], said_by: str, attributes: Sequence[str]) -> Component:
    """An event entity: its template takes from the message what the entity is to keep; none where an older unit's has no such field."""
    kept = ", ".join(f"'{each}': value_json.{each} | default(none)" for each in attributes)
    template = f"{{{{ {{'event_type': value_json.{said_by}, {kept}}} | tojson }}}}"
    return {"platform": "event", "name": name, "state_topic": source, "event_types": list(types), "value_template": template}
