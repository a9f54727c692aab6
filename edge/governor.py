"""Sheds work when the unit runs hot or draws too much, in a declared order, and takes it up again when there is room.

A module that throttles itself slows every stage alike, detection first of all, which has the most to do. To shed enhancement instead keeps
each vehicle seen, and leaves away what the fewest plates need.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Final

from edge.gate import GateRules
from edge.sysfs import Reading

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """What is left of the work at a step."""

    name: str
    lpsr: float = 1.0  # of the line height and the sharpness below which LPSR is asked
    reads: float = 1.0  # of the reads a plate may have
    every: int = 1  # a live camera's frames: each, each second …


STEPS: Final = (
    Step("everything"),
    Step("LPSR for half as large plates", lpsr=0.5),
    Step("no LPSR", lpsr=0.0),
    Step("half the reads a plate", lpsr=0.0, reads=0.5),
    Step("every second frame", lpsr=0.0, reads=0.5, every=2),
    Step("every fourth frame", lpsr=0.0, reads=0.5, every=4),
)
"""The declared order: LPSR's budget first, the rate of detection last."""


@dataclass(frozen=True, slots=True)
class GovernorRules:
    """Hot at hot_c, cool again only at cool_c: between them nothing changes, so that no step is taken and undone for ever."""

    enabled: bool = True
    hot_c: float = 85.0
    cool_c: float = 75.0
    most_watts: float | None = None  # of the whole module; None: whatever it draws
    react_s: float = 10.0  # between two steps down: what was shed shows in the temperature only then
    recover_s: float = 60.0  # so long it must be cool before a step up


class Governor:
    """Bookkeeping only: the reading and the time are passed in."""

    def __init__(self, rules: GovernorRules) -> None:
        self.rules = rules
        self.reason = ""  # of the last step down
        self.shed = 0  # steps taken down since the start
        self._at = 0
        self._moved_s = float("-inf")
        self._cool_since_s: float | None = None
        self._throttles: int | None = None

    @property
    def at(self) -> int:
        return self._at

    @property
    def step(self) -> Step:
        return STEPS[self._at]

    def look(self, reading: Reading, now_s: float) -> bool:
        """→ whether the step has changed."""
        strain = self._strain(reading)
        self._throttles = reading.throttles
        if strain:
            self._cool_since_s = None
            return self._at < len(STEPS) - 1 and now_s - self._moved_s >= self.rules.react_s and self._move(1, now_s, strain)
        if not self._is_cool(reading):
            self._cool_since_s = None
            return False
        if self._cool_since_s is None:
            self._cool_since_s = now_s
        since_s = max(self._cool_since_s, self._moved_s)
        return self._at > 0 and now_s - since_s >= self.rules.recover_s and self._move(-1, now_s, "cool enough")

    def _move(self, by: int, now_s: float, reason: str) -> bool:
        self._at, self._moved_s = self._at + by, now_s
        if by > 0:
            self.reason, self.shed = reason, self.shed + 1
        log.warning(
            "%s (%s): step %d of %d, %s", "work is shed" if by > 0 else "work is taken up", reason, self._at, len(STEPS) - 1, self.step.name
        )
        return True

    def _strain(self, reading: Reading) -> str:
        """Why work must go, "" where it need not."""
        rules, hottest_c, total_w = self.rules, reading.hottest_c, reading.total_w
        if not rules.enabled:
            return ""
        if hottest_c is not None and hottest_c >= rules.hot_c:
            return f"{hottest_c:.1f} °C, allowed {rules.hot_c:g}"
        if rules.most_watts is not None and total_w is not None and total_w > rules.most_watts:
            return f"{total_w:.1f} W, allowed {rules.most_watts:g}"
        if reading.throttled:
            return "the kernel throttles"
        if reading.throttles is not None and self._throttles is not None and reading.throttles > self._throttles:
            return f"throttled {reading.throttles - self._throttles} times since the last look"
        return ""

    def _is_cool(self, reading: Reading) -> bool:
        """Below both limits by a margin; what the machine does not say is taken for good."""
        rules, hottest_c, total_w = self.rules, reading.hottest_c, reading.total_w
        if not rules.enabled:
            return True
        cool = hottest_c is None or hottest_c <= rules.cool_c
        return cool and (rules.most_watts is None or total_w is None or total_w <= 0.9 * rules.most_watts)


def within(rules: GateRules, step: Step) -> GateRules:
    """The gate's rules as a step leaves them."""
    if step.lpsr == 0:
        rules = replace(rules, enhance="never")
    elif step.lpsr < 1:
        bounds = {
            "enhance_below_px": rules.enhance_below_px * step.lpsr,
            "enhance_below_sharpness": rules.enhance_below_sharpness * step.lpsr,
        }
        rules = replace(rules, enhance="auto" if rules.enhance == "always" else rules.enhance, **bounds)  # type: ignore[arg-type]
    return replace(rules, give_up_reads=max(1, round(rules.give_up_reads * step.reads)))
