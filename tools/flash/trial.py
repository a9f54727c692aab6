"""A trial as it is seen from here: the unit carries it out, whether we look or not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from edge.release.probation import START_S
from tools.flash import AwayError, UnitError
from tools.flash.unit import Unit

POLL_S: Final = 2.0
MARGIN_S: Final = 120.0

Say = Callable[[str, str], None]
"""A step and what is to be told of it."""


def settled(unit: Unit, number: int, probation_s: float, say: Say, sleep: Callable[[float], None] = time.sleep) -> None:
    """Returns when no trial is under way. Raises AwayError where a unit is out of reach for longer than a trial can take."""
    began_s = time.monotonic()
    deadline_s = began_s + probation_s + 2 * START_S + MARGIN_S
    while True:
        try:
            trial = unit.facts()["store"]["journal"].get("trial")
            if not trial:
                return
            say("trial", f"{trial['phase']}, {time.monotonic() - began_s:.0f} of {trial['probation_s']:g} s")
        except AwayError as error:
            say("trial", f"out of reach: {error}")
        if time.monotonic() > deadline_s:
            raise AwayError(f"release {number} is on trial, and how that ended is not known here; the unit decides by itself: --status")
        sleep(min(POLL_S, probation_s / 4))


def roll_back(unit: Unit, probation_s: float, say: Say, sleep: Callable[[float], None] = time.sleep) -> str:
    """The release before the good one, or the end of the trial that is under way. Raises UnitError or AwayError."""
    say("roll back", "")
    wanted = int(unit.ask("good", ["rollback", "--probation", f"{probation_s:g}"])["release"])
    settled(unit, wanted, probation_s, say, sleep)
    store = unit.facts()["store"]
    if store["current"] != wanted:
        raise UnitError(f"release {wanted} did not stay: {(store['journal'].get('outcome') or {}).get('why')}")
    return f"back to release {wanted}"
