"""Asking for a trial: another release is to run, and whoever guards it decides whether it stays. Here the journal alone is changed."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Final

from edge.release import RefusedError, ReleaseError, journal, lock, stage
from edge.release.disk import write_whole
from edge.release.journal import ASKED, Journal, Trial
from edge.release.layout import Layout
from edge.release.observation import observe
from edge.release.services import Services

PROBATION_S: Final = 600.0


def activate(layout: Layout, services: Services, number: int, probation_s: float = PROBATION_S) -> None:
    """Put a release that has passed its self-test on trial; the guard, a service of the unit's own, does the rest.

    Does nothing for the release that is good already. Raises ReleaseError, or RefusedError for one that was not examined.
    """
    with lock.held(layout):
        manifest, known = stage.load(layout, number), journal.load(layout.journal)
        if known.trial is not None and known.trial.release != number:
            raise ReleaseError(f"release {known.trial.release} is on trial; wait for its end")
        if known.trial is None:
            if manifest.sha256 in known.blocked:
                raise RefusedError(f"release {number} is on this unit's blocklist: {known.blocked[manifest.sha256].why}")
            if layout.number(layout.good) == number == layout.number(layout.current):
                return
            if number < known.highest:
                raise RefusedError(f"release {number} is older than {known.highest}, which this unit has had: --rollback goes back")
            if known.examined != manifest.sha256:
                raise RefusedError(f"release {number} has not passed its self-test here")
            _ask(layout, services, known, number, probation_s)
        services.watch()


def go_back(layout: Layout, services: Services, probation_s: float = PROBATION_S) -> int:
    """End the trial that is under way, or put the release before the good one on trial → the release that is wanted back.

    Raises ReleaseError where there is none.
    """
    with lock.held(layout):
        known = journal.load(layout.journal)
        if known.trial is not None:
            write_whole(layout.surrender, b"an operator wants the release before it back")
            wanted = known.trial.fallback
        else:
            wanted = known.previous
            if not wanted or stage.load(layout, wanted).sha256 in known.blocked:
                raise ReleaseError("there is no release to go back to on this unit; flash an earlier state with a higher number")
            _ask(layout, services, known, wanted, probation_s)
        services.watch()
        return wanted


def _ask(layout: Layout, services: Services, known: Journal, number: int, probation_s: float) -> None:
    layout.surrender.unlink(missing_ok=True)
    before = observe(services.state(), layout.config)
    stored = asdict(before) if before.active == "active" else {}
    trial = Trial(number, layout.number(layout.good), ASKED, probation_s, stored, since_utc_s=time.time())
    journal.save(layout.journal, replace(known, trial=trial))
