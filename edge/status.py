"""What the retained `status` message says: versions, models, cameras, speed, drops, temperatures, backlog. No secret is in it."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import alpr
from alpr.metrics import percentiles
from edge import sysfs
from edge.sysfs import temperatures

if TYPE_CHECKING:
    from edge.unit import Unit

__all__ = ["describe", "peak_memory_mb", "temperatures"]


def describe(unit: Unit, root: Path = sysfs.ROOT) -> dict[str, Any]:
    """The unit as it stands, ready for JSON; `root` is where the kernel's own files lie."""
    up_s = (time.monotonic_ns() - unit.started_ns) / 1e9
    loop = unit.loop
    return {
        "version": alpr.__version__,
        "site": unit.identity.site,
        "models": dict(unit.identity.models),
        "up_s": round(up_s, 1),
        "fps": round(loop.counts["frames"] / max(up_s, 1e-3), 2),
        "counts": dict(loop.counts),
        "vehicles": dict(loop.judge.counts),
        "cameras": {name: _camera(unit, name) for name in unit.cameras},
        "stages_ms": {name: percentiles(timing.recent_ms, (50, 95)) for name, timing in unit.pipeline.timings.items() if timing.count},
        "waiting": unit.pipeline.waiting(),
        "broker": {"connected": unit.publisher.state.connected, "problem": unit.publisher.state.problem},
        "events": {**_events(unit), "lost": dict(unit.lost)},
        "privacy": {"mode": unit.config.privacy.mode, "withheld": unit.privacy.withheld, "erased": unit.eraser.erased},
        "governor": _governor(unit),
        **_machine(sysfs.read(root)),
        "memory_mb": peak_memory_mb(),
    }


def _events(unit: Unit) -> dict[str, Any]:
    """What became of the events. What was given up is told for the outbox's whole life: no restart hides it."""
    outbox, publisher = unit.outbox.state, unit.publisher.state
    return {
        "backlog": outbox.backlog,
        "accepted": outbox.accepted,
        "published": publisher.published,
        "refused": publisher.refused,
        "unheard": publisher.unheard,
        "awaiting_consumer": publisher.awaiting,
        "rejected": outbox.rejected,
        "rescued": outbox.rescued,
        "replayed": outbox.replayed,
        "recalled": outbox.recalled,
        "expired": {"age": outbox.expired_by_age, "size": outbox.expired_by_size},
        "set_aside": outbox.set_aside,
        "dead": outbox.dead,
        "dead_letters": outbox.dead_letters,
        "kept": outbox.kept,
        "pruned": outbox.pruned,
        "dropped_dead": outbox.dropped_dead,
        "outbox": outbox.uuid,
        "trouble": outbox.trouble or publisher.consumer_problem,
        "alarm": outbox.alarm,
    }


def _governor(unit: Unit) -> dict[str, Any]:
    governor = unit.governor
    return {"step": governor.at, "name": governor.step.name, "reason": governor.reason, "shed": governor.shed}


def _machine(reading: sysfs.Reading) -> dict[str, Any]:
    return {
        "temperatures_c": reading.temperatures_c,
        "watts": reading.watts,
        "throttled": reading.throttled,
        "throttles": reading.throttles,
    }


def _camera(unit: Unit, name: str) -> dict[str, Any]:
    state = unit.cameras[name].state
    return {
        "source": state.source,
        "phase": state.phase,
        "error": state.error,
        "fps": state.fps,
        "size": state.size,
        "frames": state.frames,
        "reconnects": state.reconnects,
        "drops": {**state.drops, "overtaken": unit.slots.dropped[name], "shed": unit.shed[name]},
    }


def peak_memory_mb() -> float:
    """The most memory that this process ever had resident, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 if sys.platform != "darwin" else 1024**2), 1)
