"""How a unit's stages are run to be timed: in their own threads, as on a road, or one after the other."""

from __future__ import annotations

import threading
import time
from typing import Any

from edge.pipeline import Stage
from edge.unit import Unit


class Threads:
    """The unit as it runs on a road, but for the publisher: events stay in the outbox."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        unit.pipeline.start()

    def __call__(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until and not self._unit.pipeline.wait(0.05):
            pass


class InTurn:
    """Each frame through all stages, on this thread, before the next is decoded."""

    def __init__(self, unit: Unit, stop: threading.Event) -> None:
        self._unit, self._stages = unit, unit.loop.stages()
        (camera,) = unit.cameras.values()
        self._frames = camera.frames(stop)

    def __call__(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        asked_ns = time.monotonic_ns()
        for frame in self._frames:
            self._unit.capture.add(time.monotonic_ns() - asked_ns)
            items: list[Any] = [frame]
            for stage in self._stages:
                items = [out for item in items for out in self._timed(stage, item)]
            if time.perf_counter() >= until:
                return
            asked_ns = time.monotonic_ns()

    def _timed(self, stage: Stage, item: Any) -> list[Any]:
        started_ns = time.monotonic_ns()
        made = list(stage.work(item))
        self._unit.pipeline.timings[stage.name].add(time.monotonic_ns() - started_ns)
        return made
