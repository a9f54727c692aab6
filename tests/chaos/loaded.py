"""The daemon with many more events than its cameras give: `python -m tests.chaos.loaded RATE WINDOW_S`, then the daemon's own arguments.

By turns, a window without a load and one with so many events a second. Prints a line of JSON for each: `Window`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from edge import __main__ as edge
from edge.loop import Loop
from edge.outbox import OutboxError
from edge.unit import Unit
from tests.edge.plates import plate_event

SETTLE_S = 3.0
"""At the beginning of a window, what the last one left is still under way."""


@dataclass(slots=True)
class Window:
    """What was measured in one."""

    load: bool
    accepted: int = 0
    rejected: int = 0
    frames: int = 0
    detect_ms: list[float] = field(default_factory=list)
    loop_ms: list[float] = field(default_factory=list)  # capture to the vote, of every frame that gave something to read


class Load:
    """Begins with the unit and ends with it."""

    def __init__(self, unit: Unit, rate: float, window_s: float) -> None:
        self._unit, self._rate, self._window_s = unit, rate, window_s
        self._track = 0
        self.loop_ms: list[float] = []
        threading.Thread(target=self._run, name="load", daemon=True).start()

    def _run(self) -> None:
        load = False
        while not self._unit.stop.is_set():
            print(json.dumps(asdict(self._window(load))), flush=True)
            load = not load

    def _window(self, load: bool) -> Window:
        window, timing, counts = Window(load), self._unit.pipeline.timings["detect"], self._unit.loop.counts
        settled_s = time.monotonic() + SETTLE_S
        ends_s, frames = settled_s + self._window_s, 0
        self._pass(window, settled_s)
        timing.recent_ms.clear()
        self.loop_ms, frames = [], counts["frames"]
        self._pass(window, ends_s)
        window.detect_ms, window.loop_ms, window.frames = list(timing.recent_ms), self.loop_ms, counts["frames"] - frames
        return window

    def _pass(self, window: Window, until_s: float) -> None:
        """Accept events at the rate, or none, until a moment."""
        due_s = time.monotonic()
        while time.monotonic() < until_s and not self._unit.stop.is_set():
            due_s = max(due_s + (1 / self._rate if window.load else 0.1), time.monotonic() - 1)
            if window.load:
                self._accept(window)
            time.sleep(max(0.0, due_s - time.monotonic()))

    def _accept(self, window: Window) -> None:
        self._track += 1
        try:
            self._unit.outbox.accept(plate_event(track=self._track))
            window.accepted += 1
        except OutboxError:
            window.rejected += 1


def main(rate: float, window_s: float, arguments: list[str]) -> int:
    start, vote, loads = Unit.start, Loop.vote, list[Load]()

    def starting(unit: Unit) -> None:
        start(unit)
        loads.append(Load(unit, rate, window_s))

    def voting(loop: Loop, sighting: Any) -> Any:
        made = vote(loop, sighting)
        if loads and sighting.jobs:
            loads[0].loop_ms.append((time.monotonic_ns() - sighting.seen.captured_ns) / 1e6)
        return made

    Unit.start, Loop.vote = starting, voting  # type: ignore[method-assign]
    return edge.main(arguments)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
