"""Whether the unit's threads still come round: each beats as it works and waits, and one that has stopped is stuck.

A thread that has nothing to do beats as well, for every wait in this house is bounded. So the age of a beat needs no guess at how busy a
road is, and nothing but the thread's own progress renews it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

AWAY_NS = 2_000_000_000
"""The observer looks several times a second: one that was away for longer (SIGSTOP, a suspended machine) has not seen others beat."""


class Pulse:
    """Of one thread: written by it alone, read by any."""

    __slots__ = ("at_ns", "ended")

    def __init__(self) -> None:
        self.at_ns = time.monotonic_ns()
        self.ended = False

    def beat(self) -> None:
        self.at_ns = time.monotonic_ns()


def never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Watched:
    """A thread, how long it may be silent, and whether it is in a state that has a name of its own: no camera, no broker."""

    name: str  # of the thread
    pulse: Pulse
    patience_s: float
    excused: Callable[[], bool] = never


class Vigil:
    """Looks at the pulses; its owner calls `stuck` several times a second."""

    def __init__(self, watched: Iterable[Watched]) -> None:
        self._watched = tuple(watched)
        self._looked_ns = self._since_ns = time.monotonic_ns()
        self._suspected: dict[str, int] = {}

    def stuck(self, now_ns: int | None = None) -> list[str]:
        """→ the threads that have not come round in time, with their silence in seconds."""
        now_ns = time.monotonic_ns() if now_ns is None else now_ns
        if now_ns - self._looked_ns > AWAY_NS:
            self._since_ns = now_ns
        self._looked_ns = now_ns
        before, late = self._suspected, [each for each in self._watched if self._is_late(each, now_ns)]
        # seen twice with the same beat: a camera whose pictures come again streams a moment before its thread beats
        self._suspected = {each.name: each.pulse.at_ns for each in late}
        return [f"{each.name} ({self._silent_s(each, now_ns):.1f} s)" for each in late if before.get(each.name) == each.pulse.at_ns]

    def _is_late(self, each: Watched, now_ns: int) -> bool:
        return not each.pulse.ended and self._silent_s(each, now_ns) > each.patience_s and not each.excused()

    def _silent_s(self, each: Watched, now_ns: int) -> float:
        return (now_ns - max(each.pulse.at_ns, self._since_ns)) / 1e9
