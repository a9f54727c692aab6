"""OpenALPR's agent JSON, version 2: `alpr_results` for an early event, `alpr_group` for a final one, on <camera>/openalpr.

Source of the fields: "JSON Plate Results" and "JSON Group Results" of OpenALPR's documentation,
https://github.com/openalpr/doc/blob/master/source/app_integration.include. Left out, since nothing here knows them: vehicle_region,
travel_direction (whose zero is nowhere documented), plate_crop_jpeg, frame_start and frame_end. company_id is empty. A group names one
uuid, its own event's; user_data is the vehicle, which joins it to its results.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import alpr
from edge.adapters.fields import Event, candidates, payload, utc_s, within
from edge.mqtt.config import Topics
from edge.mqtt.message import Message

VERSION = 2
AGENT = "kerbside"


def topic(topics: Topics, camera: str) -> str:
    return topics.of(f"{camera}/openalpr")


def message(event: Event, topics: Topics) -> Message:
    document = group(event) if event["type"] == "final" else results(event)
    return Message(topic(topics, event["camera"]), payload(document))


def camera_id(event: Event) -> int:
    """OpenALPR's cameras are numbers: the CRC-32 of <device>/<camera>."""
    return crc32(f"{event['device']}/{event['camera']}".encode())


def results(event: Event) -> dict[str, Any]:
    width, height = event["image_size"]
    return {
        "version": VERSION,
        "data_type": "alpr_results",
        "epoch_time": _epoch_ms(event),
        "img_width": width,
        "img_height": height,
        "processing_time_ms": _processing_ms(event),
        "error": False,
        "regions_of_interest": [],
        "results": [_plate(event)],
        "uuid": event["id"],
        "site_id": event["site"],
        **_agent(event),
    }


def group(event: Event) -> dict[str, Any]:
    width, height = event["image_size"]
    return {
        "version": VERSION,
        "data_type": "alpr_group",
        "epoch_start": _epoch_ms(event),
        "epoch_end": _epoch_ms(event),
        "best_plate_number": event["plate"],
        "best_confidence": _percent(event["score"]),
        "best_region": _region(event),
        "best_region_confidence": round(_percent(event["region"]["score"])),
        "best_image_width": width,
        "best_image_height": height,
        "best_uuid": event["id"],
        "best_plate": _plate(event),
        "matches_template": event["region"]["matches"],
        "is_parked": event.get("parked", event["stationary"]),
        "user_data": event["vehicle"],
        "uuids": [event["id"]],
        "plate_indexes": [0],
        "country": _region(event),
        "candidates": _candidates(event),
        **_agent(event),
    }


def _plate(event: Event) -> dict[str, Any]:
    width, height = event["image_size"]
    return {
        "plate": event["plate"],
        "confidence": _percent(event["score"]),
        "matches_template": int(event["region"]["matches"]),
        "plate_index": 0,
        "region": _region(event),
        "region_confidence": round(_percent(event["region"]["score"])),
        "processing_time_ms": _processing_ms(event),
        "requested_topn": max(1, len(event["candidates"])),
        "coordinates": [{"x": within(x, width), "y": within(y, height)} for x, y in event["quad"]],
        "candidates": _candidates(event),
    }


def _candidates(event: Event) -> list[dict[str, Any]]:
    """Only of the plate itself is it known whether a grammar has it; the others were chosen by the same one."""
    matches = int(event["region"]["matches"])
    return [{"plate": each["text"], "confidence": _percent(each["score"]), "matches_template": matches} for each in candidates(event)]


def _agent(event: Event) -> dict[str, Any]:
    return {
        "camera_id": camera_id(event),
        "agent_uid": event["device"],
        "agent_version": alpr.__version__,
        "agent_type": AGENT,
        "company_id": "",
    }


def _region(event: Event) -> str:
    return str(event["region"]["code"]).lower()


def _percent(score: float) -> float:
    return round(100 * score, 4)


def _processing_ms(event: Event) -> float:
    """What the stages took, without the waiting between them."""
    took: dict[str, float] = event["latency_ms"]
    return round(sum(took.get(stage, 0.0) for stage in ("detect", "enhance", "read", "vote")), 3)


def _epoch_ms(event: Event) -> int:
    return round(1000 * utc_s(event))
