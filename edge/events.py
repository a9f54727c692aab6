"""A plate's event in its JSON form: `edge/schemas/plate-event.v1.json` says what is in it, and nothing else may get out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.resources import files
from typing import Any, Final

import numpy as np

from alpr.types import ALPHABET, Candidate, CharacterVote, Course, Hit, PlateEvent, RegionMatch, Speed, Vote

SCHEMA: Final = "kerbside.plate/1"
"""Rises when a field changes its meaning or goes; a new field alone does not raise it."""
SCHEMA_FILE: Final = "plate-event.v1.json"
TYPES: Final = ("early", "final")
DIRECTIONS: Final = ("approaching", "leaving", "left", "right", "still")
CROSSED: Final = ("in", "out")
LISTS: Final = ("allow", "deny", "named")
LARGEST: Final = 10**18
"""Of a count: what is below fits into everybody's 64 bits."""
LONGEST_LEVEL: Final = 100
LIVE: Final = b'"backfilled":false'
LATE: Final = b'"backfilled":true'


class EventError(ValueError):
    """An event that the schema has no room for; the message names the field, what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks: the device's name, where it stands, and the models that read for it."""

    device: str
    site: str = ""
    models: Mapping[str, str] = field(default_factory=dict)  # stage → "name version"

    def __post_init__(self) -> None:
        _level("device", self.device)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event was stored, which is what makes its ids unique for ever."""

    outbox: str  # uuid of the database
    run: int  # counts the times that it was opened: track numbers start anew in each
    sequence: int  # counts its events, never reused: a gap at the consumer is an event lost


def describe(event: PlateEvent, identity: Identity) -> dict[str, Any]:
    """All fields of the JSON form but the ids, which `seal` adds. Raises EventError."""
    return {
        "type": _one_of("type", event.type, TYPES),
        "track": _count("track", event.track),
        "device": identity.device,
        "site": identity.site,
        "camera": _level("camera", event.camera),
        "captured": {
            "utc": _utc(event.captured_utc_s),
            "monotonic_s": _number("captured_ns", _float("captured_ns", event.captured_ns) / 1e9, 6),
        },
        **_vote(event.vote),
        "read": _read_from(event),
        **_geometry(event),
        "direction": _one_of("direction", event.direction, DIRECTIONS),
        "stationary": bool(event.stationary),
        **_course(event.course),
        "hits": [_hit(hit) for hit in event.hits],
        "latency_ms": {stage: _number(f"latency_ms.{stage}", value, 2, 0) for stage, value in event.latency_ms.items()},
        "models": dict(identity.models),
    }


def event_id(device: str, place: Place) -> str:
    """The event's own id: the same event has the same id however often it is sent."""
    return f"{device}-{place.outbox}-{place.sequence}"


def seal(fields: Mapping[str, Any], place: Place) -> bytes:
    """A description and its place → the JSON as it is stored and sent, `backfilled` false. Raises EventError."""
    device, camera, track = fields["device"], fields["camera"], fields["track"]
    document = {
        "schema": SCHEMA,
        "id": event_id(device, place),
        "vehicle": f"{device}-{place.outbox}-{place.run}-{camera}-{track}",
        "sequence": place.sequence,
        "backfilled": False,
        **fields,
    }
    try:
        return json.dumps(document, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, TypeError) as error:  # UnicodeEncodeError, a lone surrogate, is a ValueError
        raise EventError(f"event has no JSON form: {error}") from error


def backfilled(body: bytes) -> bytes:
    """The same event, marked as one that waited. (Inside a JSON string the quotes would be escaped: only the key matches.)"""
    return body.replace(LIVE, LATE, 1)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an event, as shipped."""
    loaded: dict[str, Any] = json.loads((files("edge") / "schemas" / SCHEMA_FILE).read_text(encoding="utf-8"))
    return loaded


def _vote(vote: Vote) -> dict[str, Any]:
    chars = [_character(i, char) for i, char in enumerate(vote.chars)]
    return {
        "plate": _text("plate", vote.plate),
        "raw": _text("raw", vote.raw),
        "lines": _one_of("lines", int(vote.lines), (1, 2)),
        "score": _probability("score", vote.score),
        "lowest_score": min((char["score"] for char in chars), default=0.0),
        "chars": chars,
        "candidates": _candidates("candidates", vote.candidates),
        "region": _region(vote.region),
    }


def _character(position: int, vote: CharacterVote) -> dict[str, Any]:
    name = f"chars[{position}]"
    if len(vote.char) != 1:
        raise EventError(f"{name}.char is {vote.char!r}, expected one character of A-Z0-9")
    score = _probability(f"{name}.score", vote.score)
    return {"char": _text(f"{name}.char", vote.char), "score": score, "others": _candidates(f"{name}.others", vote.others)}


def _candidates(name: str, candidates: tuple[Candidate, ...]) -> list[dict[str, Any]]:
    return [{"text": _text(name, each.text, empty=True), "score": _probability(name, each.score)} for each in candidates]


def _region(region: RegionMatch) -> dict[str, Any]:
    return {
        "code": region.code,
        "pattern": region.pattern,
        "score": _probability("region.score", region.score),
        "matches": bool(region.matches),
        "display": region.display,
    }


def _read_from(event: PlateEvent) -> dict[str, int]:
    return {
        "frames_seen": _count("frames_seen", event.frames_seen),
        "frames_used": _count("vote.reads", event.vote.reads),
        "agreeing": _count("vote.agreeing", event.vote.agreeing),
        "enhanced": _count("vote.enhanced", event.vote.enhanced),
    }


def _geometry(event: PlateEvent) -> dict[str, Any]:
    box, quad = np.asarray(event.box), np.asarray(event.quad)
    if box.shape != (4,) or quad.shape != (4, 2):
        raise EventError(f"box and quad are {box.shape} and {quad.shape}, expected (4,) and (4, 2)")
    return {
        "box": [_number("box", side, 1) for side in box.tolist()],
        "quad": [[_number("quad", x, 1), _number("quad", y, 1)] for x, y in quad.tolist()],
        "height_px": _number("height_px", event.height_px, 1, 0),
        "image_size": [_count("image_size", side) for side in event.image_size],
    }


def _course(course: Course) -> dict[str, Any]:
    return {
        "zone": course.zone or None,
        "dwell_s": _number("dwell_s", course.dwell_s, 2, 0),
        "parked": bool(course.parked),
        "crossings": [
            {"line": each.line, "direction": _one_of("crossings.direction", each.direction, CROSSED), "utc": _utc(each.utc_s)}
            for each in course.crossings
        ],
        "speed": None if course.speed is None else _speed(course.speed),
    }


def _speed(speed: Speed) -> dict[str, Any]:
    return {
        "kmh": _number("speed.kmh", speed.kmh, 1, 0),
        "error_kmh": _number("speed.error_kmh", speed.error_kmh, 1, 0),
        "utc": _utc(speed.utc_s),
    }


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "list": hit.list,
        "kind": _one_of("hits.kind", hit.kind, LISTS),
        "plate": _text("hits.plate", hit.plate),
        "note": hit.note,
        "probability": _probability("hits.probability", hit.probability),
    }


def _number(name: str, value: float, digits: int, lowest: float = -math.inf) -> float:
    value = _float(name, value)
    if not math.isfinite(value) or value < lowest:
        raise EventError(f"{name} is {value}, expected a number" + (f" of at least {lowest:g}" if math.isfinite(lowest) else ""))
    return round(value, digits) + 0.0  # + 0.0: no "-0.0"


def _float(name: str, value: float) -> float:
    try:
        return float(value)
    except OverflowError as error:  # an integer of more than 308 digits
        raise EventError(f"{name} is an integer of {int(value).bit_length()} bits, expected a number") from error


def _probability(name: str, value: float) -> float:
    value = _float(name, value)
    if not -1e-6 <= value <= 1 + 1e-6:  # false for NaN as well; a float32 softmax sums to a hair above 1
        raise EventError(f"{name} is {value}, expected 0..1")
    return round(min(max(value, 0.0), 1.0), 4) + 0.0


def _count(name: str, value: int) -> int:
    if not isinstance(value, (int, np.integer)) or not 0 <= value < LARGEST:
        raise EventError(f"{name} is {value!r:.40}, expected a whole number of at least 0, and below {LARGEST}")
    return int(value)


def _one_of(name: str, value: Any, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise EventError(f"{name} is {value!r}, expected one of {', '.join(map(repr, allowed))}")
    return value


def _text(name: str, value: str, empty: bool = False) -> str:
    if not (value or empty) or any(char not in ALPHABET for char in value):
        raise EventError(f"{name} is {value!r}, expected characters of A-Z0-9")
    return value


def _level(name: str, value: str) -> str:
    """A name that is one level of an MQTT topic."""
    if not 0 < len(value) <= LONGEST_LEVEL or any(char in "/+#" or not char.isprintable() for char in value):
        what = f"1 to {LONGEST_LEVEL} characters, no '/', '+', '#' or control characters"
        raise EventError(f"{name} is {value!r:.300}, expected a level of an MQTT topic: {what}")
    return value


def _utc(seconds: float) -> str:
    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError) as error:
        raise EventError(f"captured_utc_s is {seconds!r}, expected seconds since 1970") from error
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
