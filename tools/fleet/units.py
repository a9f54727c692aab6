"""What is known of each unit: whether it is there, what it says of itself, what it reads, and what somebody should look at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.resources import files
from statistics import fmean, median
from typing import Any

from edge.events import schema
from edge.mqtt.presence import OFFLINE, ONLINE
from edge.received import document
from edge.schemas import strict
from tools.fleet.baseline import Baselines, Record
from tools.fleet.gaps import Sequences
from tools.fleet.quality import Vehicle
from tools.watch.inbox import inlined

STALE_S = 120.0
"""A unit that is said to be there and has not said how it is for so long: mqtt.status_s is 30."""
SETTLE_S = 60.0
"""A sequence may come later than the one after it: so long it is no gap yet."""


@dataclass(slots=True)
class Unit:
    """One unit, as it was last heard of."""

    online: bool | None = None
    status: dict[str, Any] = field(default_factory=dict)
    status_s: float | None = None  # when it came
    reads: int = 0
    last_read_utc: str = ""
    cameras: set[str] = field(default_factory=set)  # that have read something
    outboxes: dict[str, Sequences] = field(default_factory=dict)
    missing_since_s: float | None = None

    @property
    def missing(self) -> int:
        return sum(each.missing for each in self.outboxes.values())


class Fleet:
    """Takes messages; `now` is a monotonic clock's, in seconds. `invalid` counts what is no message of ours."""

    def __init__(self, prefix: str, baselines: Baselines) -> None:
        self.units: dict[str, Unit] = {}
        self.invalid: Counter[str] = Counter()
        self._prefix, self._baselines = f"{prefix}/", baselines
        status = (files("edge") / "schemas" / "status.v1.json").read_text(encoding="utf-8")
        self._events, self._status = strict(inlined(schema())), strict(inlined(json.loads(status)))

    def take(self, topic: str, payload: bytes, now: float) -> None:
        device, _, below = topic.removeprefix(self._prefix).partition("/")
        if below == "availability" and payload in (ONLINE, OFFLINE):
            self._unit(device).online = payload == ONLINE
        elif below == "status" and (said := self._valid(self._status, payload, below)) is not None:
            self._unit(device).status, self._unit(device).status_s = said, now
        elif below.endswith("/plate") and (event := self._valid(self._events, payload, "plate")) is not None:
            self._read(self._unit(device), device, event, now)

    def report(self, now: float) -> list[dict[str, Any]]:
        """A unit each, in the order of their names: what the table shows and --json prints."""
        return [self._told(device, unit, now) for device, unit in sorted(self.units.items())]

    def _unit(self, device: str) -> Unit:
        return self.units.setdefault(device, Unit())

    def _valid(self, validator: Any, payload: bytes, kind: str) -> dict[str, Any] | None:
        try:
            found = document(payload)
        except ValueError:
            found = None
        if found is not None and validator.is_valid(found):
            return dict(found)
        self.invalid[kind] += 1
        return None

    def _read(self, unit: Unit, device: str, event: Mapping[str, Any], now: float) -> None:
        outbox, sequence = str(event["id"]).rpartition("-")[0], int(event["sequence"])
        known = unit.outboxes.get(outbox)
        if known is None:
            unit.outboxes[outbox] = Sequences(sequence)
        elif not known.take(sequence):
            return
        unit.missing_since_s = None if not unit.missing else now if unit.missing_since_s is None else unit.missing_since_s
        unit.reads += 1
        unit.last_read_utc = max(unit.last_read_utc, str(event["captured"]["utc"]))
        unit.cameras.add(str(event["camera"]))
        read = event["read"]
        if event["type"] == "final" and read["frames_used"]:
            vehicle = Vehicle(read["agreeing"] / read["frames_used"], event["region"]["matches"], event["height_px"])
            self._baselines.add(device, str(event["camera"]), vehicle)

    def _told(self, device: str, unit: Unit, now: float) -> dict[str, Any]:
        said = unit.status
        cameras = {name: self._camera(device, name, said.get("cameras", {}).get(name, {})) for name in self._names(unit)}
        temperatures = [each for each in said.get("temperatures_c", {}).values() if each is not None]
        return {
            "device": device,
            "online": unit.online,
            "version": said.get("version"),
            "up_s": said.get("up_s"),
            "fps": said.get("fps"),
            "drops": sum(camera["drops"] for camera in cameras.values()),
            "backlog": said.get("events", {}).get("backlog"),
            "temperature_c": max(temperatures, default=None),
            "work": said.get("governor", {}).get("name"),
            "status_age_s": None if unit.status_s is None else round(now - unit.status_s, 1),
            "reads": unit.reads,
            "last_read_utc": unit.last_read_utc or None,
            "missing": unit.missing,
            "cameras": cameras,
            "alarms": [*self._alarms(unit, now), *(f"{name}: {text}" for name, camera in cameras.items() for text in camera["drifts"])],
        }

    @staticmethod
    def _names(unit: Unit) -> list[str]:
        return sorted({*unit.status.get("cameras", {}), *unit.cameras})

    def _camera(self, device: str, name: str, said: Mapping[str, Any]) -> dict[str, Any]:
        record = self._baselines.of(device, name)
        return {
            "phase": said.get("phase"),
            "fps": said.get("fps"),
            "frames": said.get("frames"),
            "drops": sum(said.get("drops", {}).values()),
            "quality": _quality(record),
            "drifts": [str(each) for each in record.drifts],
        }

    @staticmethod
    def _alarms(unit: Unit, now: float) -> list[str]:
        found = []
        if unit.online is False:
            found.append("is away")
        elif unit.status_s is not None and now - unit.status_s > STALE_S:
            found.append(f"has not said how it is for {now - unit.status_s:.0f} s")
        events = unit.status.get("events", {})
        found += [text for text in (events.get("trouble"), events.get("alarm")) if text]
        cameras = unit.status.get("cameras", {}).items()
        found += [f"{name}: no picture ({camera['phase']})" for name, camera in cameras if camera["phase"] not in ("streaming", "ended")]
        if unit.missing_since_s is not None and now - unit.missing_since_s > SETTLE_S:
            found.append(f"{unit.missing} events are missing")
        return found


def _quality(record: Record) -> dict[str, Any]:
    vehicles = record.shown
    if not vehicles:
        return {"vehicles": 0}
    return {
        "vehicles": record.count,
        "agreement": round(fmean(each.agreement for each in vehicles), 3),
        "matching": round(fmean(each.matches for each in vehicles), 3),
        "height_px": round(median(each.height_px for each in vehicles), 1),
    }


def age(utc: str | None) -> str:
    """How long ago a moment was, for a person."""
    if utc is None:
        return "-"
    seconds = max(0, (datetime.now(timezone.utc) - datetime.fromisoformat(utc.replace("Z", "+00:00"))).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"
