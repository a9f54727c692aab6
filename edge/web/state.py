"""The unit in numbers, as the page shows them: cheaper than the status, for it is asked for every second or two."""

from __future__ import annotations

from typing import Any, Final

import alpr
from alpr.metrics import percentiles
from edge import sysfs
from edge.unit import Unit

RECENT: Final = 200
"""Durations of a stage that count as now."""


def describe(unit: Unit) -> dict[str, Any]:
    """Ready for JSON; no plate and no secret is in it."""
    outbox, publisher, machine = unit.outbox.state, unit.publisher.state, sysfs.read()
    return {
        "device": unit.identity.device,
        "site": unit.identity.site,
        "version": alpr.__version__,
        "privacy": unit.config.privacy.mode,
        "cameras": {name: _camera(unit, name) for name in unit.cameras},
        "stages_ms": {name: percentiles(recent, (50, 95)) for name, recent in _recent(unit).items() if recent},
        "waiting": unit.pipeline.waiting(),
        "vehicles": dict(unit.loop.judge.counts),
        "backlog": outbox.backlog,
        "broker": {"connected": publisher.connected, "problem": publisher.problem},
        "trouble": outbox.trouble or publisher.consumer_problem,
        "temperatures_c": machine.temperatures_c,
        "watts": machine.total_w,
        "throttled": machine.throttled,
        "work": unit.governor.step.name,
    }


def _recent(unit: Unit) -> dict[str, list[float]]:
    timings = {"capture": unit.capture, **unit.pipeline.timings}
    return {name: list(timing.recent_ms)[-RECENT:] for name, timing in timings.items()}


def _camera(unit: Unit, name: str) -> dict[str, Any]:
    state = unit.cameras[name].state
    return {
        "phase": state.phase,
        "error": state.error,
        "fps": state.fps,
        "size": state.size,
        "dropped": sum(state.drops.values()) + unit.slots.dropped[name] + unit.shed[name],
    }
