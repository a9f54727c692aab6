"""`make run`: the daemon with an embedded broker, each read printed as the broker takes it, and a summary at the end."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alpr.metrics import percentiles
from alpr.types import PlateEvent
from edge.broker import EmbeddedBroker
from edge.outbox import Row
from edge.status import peak_memory_mb
from edge.unit import Unit

CLIP = Path(__file__).parent.parent / "samples/street.mp4"


@dataclass(slots=True)
class Diary:
    """What was accepted and published, for the lines and the summary."""

    started_ns: int = field(default_factory=time.monotonic_ns)
    finals: list[str] = field(default_factory=list)
    early_ms: list[float] = field(default_factory=list)  # capture → early event
    publish_ms: list[float] = field(default_factory=list)  # capture → acknowledged early event
    _captured_ns: dict[str, int] = field(default_factory=dict)

    def accepted(self, event_id: str, event: PlateEvent) -> None:
        if event.type == "final":
            self.finals.append(event.vote.plate)
        elif took_ms := event.latency_ms.get("capture_to_event"):
            self.early_ms.append(took_ms)
            self._captured_ns[event_id] = time.monotonic_ns() - round(took_ms * 1e6)

    def published(self, row: Row) -> None:
        event = json.loads(row.body)
        if captured_ns := self._captured_ns.pop(event["id"], None):
            self.publish_ms.append((time.monotonic_ns() - captured_ns) / 1e6)
        print(line(event, (time.monotonic_ns() - self.started_ns) / 1e9), flush=True)


def line(event: dict[str, Any], at_s: float) -> str:
    """An event in words: when, how sure, which plate, whose, where it goes, out of how many frames."""
    region = event["region"]
    plate = region["display"] or event["plate"]
    read = event["read"]
    enhanced = f", {read['enhanced']} enhanced" if read["enhanced"] else ""
    return (
        f"{at_s:7.2f} s  {event['type']:5}  {plate:13} {region['code'] or '--':2}  {event['score']:6.1%}  {event['direction']:11} "
        f"{event['height_px']:3.0f} px high  {read['agreeing']} of {read['frames_used']} reads agree{enhanced}"
    )


def run(unit: Unit, truth: Path | None) -> None:
    """Run a unit that talks to the embedded broker, and print what it does."""
    diary = Diary()
    unit.accepted, unit.published = diary.accepted, diary.published
    unit.start()
    unit.run()
    took_s, stopped = (time.monotonic_ns() - diary.started_ns) / 1e9, unit.stop.is_set()
    unit.close()
    print("\n".join(summary(unit, diary, took_s, None if stopped else truth)), flush=True)


def summary(unit: Unit, diary: Diary, took_s: float, truth: Path | None) -> list[str]:
    frames = unit.loop.counts["frames"]
    drops = sum(unit.slots.dropped.values()) + sum(sum(camera.state.drops.values()) for camera in unit.cameras.values())
    lines = [
        "",
        f"{frames} frames in {took_s:.1f} s: {frames / max(took_s, 1e-9):.1f} FPS, {drops} dropped, {peak_memory_mb():.0f} MB at most",
    ]
    if truth is not None and truth.exists():
        lines.append(scored(json.loads(truth.read_text(encoding="utf-8"))["vehicles"], diary.finals))
    lines.append(f"{'':18}{'p50':>9}{'p95':>9}   ms")
    rows: dict[str, Iterable[float]] = {"decode": unit.capture.recent_ms}
    rows |= {name: timing.recent_ms for name, timing in unit.pipeline.timings.items()}
    rows |= {"capture to early": diary.early_ms, "capture to publish": diary.publish_ms}
    for name, values in rows.items():
        if measured := list(values):
            at = percentiles(measured, (50, 95))
            lines.append(f"{name:18}{at['p50']:9.2f}{at['p95']:9.2f}   {len(measured)} times")
    return lines


def scored(vehicles: Sequence[dict[str, Any]], finals: Sequence[str]) -> str:
    """The clip's vehicles against the final events: right, wrong (a final that no vehicle has), missed."""
    left = Counter(finals)
    right = [vehicle for vehicle in vehicles if left[vehicle["text"]] > 0]
    left.subtract(vehicle["text"] for vehicle in right)
    texts = {vehicle["text"] for vehicle in vehicles}
    wrong = sorted(text for text in left.elements() if text not in texts)
    again = sorted(text for text in left.elements() if text in texts)
    missed = sorted(vehicle["text"] for vehicle in vehicles if vehicle not in right and vehicle.get("readable", True))
    small = len(vehicles) - len(right) - len(missed)
    tail = "".join(f"; {name}: {', '.join(found)}" for name, found in (("wrong", wrong), ("twice", again), ("missed", missed)) if found)
    share = len(right) / max(1, len(vehicles))
    counted = f"{len(right)} read right ({share:.0%}), {len(wrong)} wrong, {len(missed)} missed, {small} never large enough to read"
    return f"{len(vehicles)} vehicles: {counted}{tail}"


def embedded(overrides: dict[str, Any], folder: Path) -> EmbeddedBroker:
    """Start the broker and point the config's overrides at it and at a fresh outbox."""
    broker = EmbeddedBroker()
    broker.start()
    overrides |= {"mqtt": {"host": "127.0.0.1", "port": broker.port, "version": "3.1.1"}, "outbox.path": str(folder / "outbox.db")}
    return broker
