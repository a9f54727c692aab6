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
        self._looked_ns = time.monotonic_ns()
        self._since_ns = [self._looked_ns] * len(self._watched)  # from when on each one's silence counts

    def stuck(self, now_ns: int | None = None) -> list[str]:
        """→ the threads that have not come round in time, with their silence in seconds."""
        now_ns = time.monotonic_ns() if now_ns is None else now_ns
        away = now_ns - self._looked_ns > AWAY_NS
        self._looked_ns = now_ns
        late = []
        for number, each in enumerate(self._watched):
            if away or each.excused():  # a camera that streams again has a whole patience to beat, on a busy machine too
                self._since_ns[number] = now_ns
            silent_s = (now_ns - max(each.pulse.at_ns, self._since_ns[number])) / 1e9
            if silent_s > each.patience_s and not each.pulse.ended:
                late.append(f"{each.name} ({silent_s:.1f} s)")
        return late
