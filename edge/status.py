"""What the retained `status` message says: versions, models, cameras, speed, drops, temperatures, backlog. No secret is in it."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import alpr
from alpr.metrics import percentiles

if TYPE_CHECKING:
    from edge.unit import Unit


def describe(unit: Unit) -> dict[str, Any]:
    """The unit as it stands, ready for JSON."""
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
        "events": {
            "backlog": unit.outbox.state.backlog,
            "accepted": unit.outbox.state.accepted,
            "published": unit.publisher.state.published,
            "refused": unit.publisher.state.refused,
            "lost": dict(unit.lost),
        },
        "temperatures_c": temperatures(),
        "memory_mb": peak_memory_mb(),
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
        "drops": {**state.drops, "overtaken": unit.slots.dropped[name]},
    }


def temperatures(root: Path = Path("/")) -> dict[str, float]:
    """The kernel's thermal zones by name, in °C; empty where there are none."""
    found = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        try:
            found[(zone / "type").read_text().strip()] = int((zone / "temp").read_text()) / 1000
        except (OSError, ValueError):
            continue  # a zone that is switched off answers with an error
    return found


def peak_memory_mb() -> float:
    """The most memory that this process ever had resident, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 if sys.platform != "darwin" else 1024**2), 1)
