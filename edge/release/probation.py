"""Whether a release may stay: it must be ready, go on, and do all that the one before it did. Judged by observations alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge.release.observation import Observation

START_S: Final = 150.0
"""A little more than kerbside.service's TimeoutStartSec=."""
SETTLE_S: Final = 60.0
"""What is amiss may be so for this long: cameras connect, a broker is reached again."""
STALL_S: Final = 10.0
"""Without another frame, while cameras stream."""
MOST_RESTARTS: Final = 1
"""One may be a cable or a driver; two are the release."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a probation."""

    kept: bool
    why: str


class Probation:
    """Of one release. `look` at it every second or so; times are monotonic seconds."""

    def __init__(self, before: Observation | None, length_s: float, now_s: float) -> None:
        """`before`: the release that it replaces, at work; None asks for no more than that it runs."""
        self._before, self._length_s, self._began_s = before, length_s, now_s
        self._ready_s: float | None = None
        self._fine_s: float | None = None  # when nothing was amiss, the last time
        self._restarts: int | None = None
        self._frames: float | None = None
        self._moved_s: float | None = None  # when it had looked at another frame, the last time

    def look(self, seen: Observation, now_s: float) -> Verdict | None:
        """None: not over yet."""
        self._restarts = seen.restarts if self._restarts is None else min(self._restarts, seen.restarts)
        if seen.restarts - self._restarts > MOST_RESTARTS:
            return Verdict(False, f"the daemon ended and was started again {seen.restarts - self._restarts} times")
        if seen.active != "active":
            return self._not_ready(seen, now_s)
        self._ready_s = now_s if self._ready_s is None else self._ready_s
        self._follow(seen, now_s)
        if amiss := list(self._amiss(seen, now_s)):
            return self._overdue(amiss, now_s)
        self._fine_s = now_s
        if now_s - self._ready_s < self._length_s:
            return None
        return Verdict(True, f"ready and as good as before for {self._length_s:g} s")

    def _follow(self, seen: Observation, now_s: float) -> None:
        if seen.page and seen.frames != self._frames:
            self._moved_s = None if self._frames is None else now_s
            self._frames = seen.frames

    def _not_ready(self, seen: Observation, now_s: float) -> Verdict | None:
        since_s = self._began_s if self._fine_s is None else self._fine_s
        return None if now_s - since_s < START_S else Verdict(False, f"not ready after {now_s - since_s:.0f} s ({seen.active})")

    def _overdue(self, amiss: list[str], now_s: float) -> Verdict | None:
        """What is amiss may settle, and no longer."""
        assert self._ready_s is not None
        since_s = self._ready_s if self._fine_s is None else max(self._fine_s, self._ready_s)
        return None if now_s - since_s < SETTLE_S else Verdict(False, "; ".join(amiss))

    def _amiss(self, seen: Observation, now_s: float) -> Iterator[str]:
        before = self._before
        if before is None or not before.page:
            return
        if not seen.page:
            yield "its health page does not answer"
            return
        if not seen.healthy and before.healthy:
            yield f"it says that it fails: {seen.why}"
        if seen.errors > 0 and before.errors == 0:
            yield f"{seen.errors:.0f} events were lost"
        if before.broker and not seen.broker:
            yield "it does not reach the broker, which the release before it did"
        if gone := [name for name in before.streaming if name not in seen.streaming]:
            yield f"no pictures from {', '.join(gone)}, which the release before it had"
        if before.streaming and (self._moved_s is None or now_s - self._moved_s >= STALL_S):
            yield "it looks at no frames"
