"""Plate Recognizer Stream's webhook JSON, one for every event, on <camera>/platerecognizer.

Source of the fields: https://guides.platerecognizer.com/docs/stream/results. Left out, since nothing here knows them: vehicle, dscore,
model_make, color, orientation, source_url and position_sec. There is no picture, so filename is empty; direction is empty, as Stream's own
where it is not known; plates and regions are in lower case, as Stream's are.
"""

from __future__ import annotations

from typing import Any

from edge.adapters.fields import Event, box_px, candidates, payload
from edge.mqtt.config import Topics
from edge.mqtt.message import Message


def topic(topics: Topics, camera: str) -> str:
    return topics.of(f"{camera}/platerecognizer")


def message(event: Event, topics: Topics) -> Message:
    where = topic(topics, event["camera"])
    return Message(where, payload(recognition(event, where)))


def recognition(event: Event, target: str) -> dict[str, Any]:
    utc = str(event["captured"]["utc"])
    return {
        "hook": {"target": target, "id": event["camera"], "event": "recognition", "filename": ""},
        "data": {
            "camera_id": event["camera"],
            "filename": "",
            "timestamp": utc,
            "timestamp_local": utc.replace("T", " ").replace("Z", "+00:00"),
            "results": [_result(event)],
        },
    }


def _result(event: Event) -> dict[str, Any]:
    left, top, right, bottom = box_px(event)
    region = event["region"]
    return {
        "box": {"xmin": left, "ymin": top, "xmax": right, "ymax": bottom},
        "plate": str(event["plate"]).lower(),
        "region": {"code": str(region["code"]).lower(), "score": region["score"] if region["code"] else 0},
        "score": event["score"],
        "candidates": [{"plate": str(each["text"]).lower(), "score": each["score"]} for each in candidates(event)],
        "direction": "",
        "user_data": event["vehicle"],
    }
