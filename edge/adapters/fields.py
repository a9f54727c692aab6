"""What several of the other systems want of an event, and in the units that they want it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]


def utc_s(event: Event) -> float:
    """Seconds since 1970 of the best frame."""
    return datetime.fromisoformat(str(event["captured"]["utc"]).replace("Z", "+00:00")).timestamp()


def box_px(event: Event) -> list[int]:
    """x1 y1 x2 y2 in whole pixels, inside the picture."""
    return [within(side, size) for side, size in zip(event["box"], [*event["image_size"]] * 2, strict=True)]


def within(side: float, size: int) -> int:
    return min(max(round(side), 0), size)


def candidates(event: Event) -> Sequence[Mapping[str, Any]]:
    """The plate first, then what else it may be: text and score each; the plate alone where the others are kept back."""
    own = {"text": event["plate"], "score": event["score"]}
    return [own, *(each for each in event["candidates"] if each["text"] not in ("", event["plate"]))]


def payload(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
