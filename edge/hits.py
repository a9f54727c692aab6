"""A list's hit as a message of its own: `edge/schemas/hit.v1.json` says what is in it. Made from the event as it is stored, so that it says
nothing that the event does not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from edge.mqtt.config import Topics
from edge.mqtt.message import Message

SCHEMA: Final = "kerbside.hit/1"
SCHEMA_FILE: Final = "hit.v1.json"
OF_THE_EVENT: Final = ("vehicle", "sequence", "backfilled", "type", "device", "site", "camera", "captured", "direction", "stationary")


def hits(event: Mapping[str, Any], topics: Topics) -> Iterator[Message]:
    """An event's JSON → a message on <prefix>/<device>/<camera>/hit for each list; nobody may miss one."""
    for hit in event.get("hits", ()):
        yield Message(topics.hit(event["camera"]), json.dumps(hit_of(event, hit), ensure_ascii=False).encode(), wanted=True)


def hit_of(event: Mapping[str, Any], hit: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "id": f"{event['id']}-{hit['list']}",
        "event": event["id"],
        **hit,
        "read": event["plate"],
        "score": event["score"],
        **{name: event[name] for name in OF_THE_EVENT},
    }
