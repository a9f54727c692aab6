"""Frigate's messages: `tracked_object_update` of type lpr for every event, and `events`, new with the early one and end with the final one.

Source of the fields: https://docs.frigate.video/integrations/mqtt/ (0.16 and 0.17). The object is the plate, as with Frigate's cameras
that do nothing but LPR: label license_plate. Both of its times are the best frame's; what a plate reader does not measure is 0, empty or
null. Both of its speeds are the event's one, in km/h, as Frigate's where its unit_system is metric, and 0 where none could be told. A
vehicle whose plate was firm only in the end has an end and no new.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edge.adapters.fields import Event, box_px, payload, utc_s
from edge.mqtt.message import Message

LABEL = "license_plate"
TYPES = {"early": "new", "final": "end"}


def topics(prefix: str) -> tuple[str, str]:
    return f"{prefix}/tracked_object_update", f"{prefix}/events"


def messages(event: Event, prefix: str) -> Iterator[Message]:
    for topic, document in zip(topics(prefix), (update(event), change(event)), strict=True):
        yield Message(topic, payload(document))


def update(event: Event) -> dict[str, Any]:
    """A plate was recognised. `name` is what a list calls it."""
    return {
        "type": "lpr",
        "id": event["vehicle"],
        "name": name(event),
        "plate": event["plate"],
        "score": event["score"],
        "camera": event["camera"],
        "timestamp": utc_s(event),
    }


def change(event: Event) -> dict[str, Any]:
    """A tracked object came or went; nothing is known of what it was before, so that both sides are the same but for the end."""
    after = tracked(event)
    return {"type": TYPES[event["type"]], "before": {**after, "end_time": None}, "after": after}


def name(event: Event) -> str | None:
    """The note of the surest hit on a list, or the list; None for a plate that no list has."""
    best = max(event.get("hits", ()), key=lambda hit: float(hit["probability"]), default=None)
    return None if best is None else str(best["note"] or best["list"])


def tracked(event: Event) -> dict[str, Any]:
    box, moment, known = box_px(event), utc_s(event), name(event)
    (left, top, right, bottom), (width, height) = box, event["image_size"]
    area = (right - left) * (bottom - top)
    region = [0, 0, width, height]
    zones = [zone] if (zone := event.get("zone")) else []
    kmh = speed["kmh"] if (speed := event.get("speed")) else 0
    return {
        "id": event["vehicle"],
        "camera": event["camera"],
        "frame_time": moment,
        "snapshot": {"frame_time": moment, "box": box, "area": area, "region": region, "score": event["score"], "attributes": []},
        "label": LABEL,
        "sub_label": None if known is None else [known, event["score"]],
        "top_score": event["score"],
        "false_positive": False,
        "start_time": moment,
        "end_time": moment if event["type"] == "final" else None,
        "score": event["score"],
        "box": box,
        "area": area,
        "ratio": round((right - left) / max(bottom - top, 1), 6),
        "region": region,
        "current_zones": zones,
        "entered_zones": zones,
        "thumbnail": None,
        "has_snapshot": False,
        "has_clip": False,
        "active": not event["stationary"],
        "stationary": event["stationary"],
        "motionless_count": 0,
        "position_changes": 0,
        "attributes": {},
        "current_attributes": [],
        "current_estimated_speed": kmh,
        "average_estimated_speed": kmh,
        "velocity_angle": 0,
        "recognized_license_plate": event["plate"],
        "recognized_license_plate_score": event["score"],
    }
