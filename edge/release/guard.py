"""The trial of a release, from the swap to the verdict. A service of the unit's own, started again after every boot: it needs nobody else.

Each step may be cut and done again. The journal says what is to be reached before anything is changed, and `current` changes by one rename
between two complete releases; so whenever the power goes, the unit starts with one of them, and this goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from edge.release import ReleaseError, journal, lock, stage
from edge.release.disk import point
from edge.release.examination import blocked
from edge.release.journal import RETURNING, WATCHING, Journal, Outcome, Trial
from edge.release.layout import Layout
from edge.release.observation import Observation, observe
from edge.release.probation import START_S, Probation, Verdict
from edge.release.services import Services

LOOK_S: Final = 1.0
MOST_LIVES: Final = 3
"""A trial that is begun more often is one that takes the machine down with it."""


@dataclass(slots=True)
class Guard:
    """Of one unit; `monotonic_s` and `sleep` are the time's."""

    layout: Layout
    services: Services
    monotonic_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def run(self) -> str:
        """Until no trial is under way → what came of it, "" where there was none. Raises ReleaseError."""
        with lock.held(self.layout, "guard", wait_s=5.0):
            trial = self._journal().trial
            if trial is None:
                return ""
            trial = self._note(replace(trial, lives=trial.lives + 1))
            if trial.phase != RETURNING:
                verdict = self._tried(trial)
                if verdict.kept:
                    return self._keep(trial, verdict)
                trial = self._note(replace(trial, phase=RETURNING, why=verdict.why))
            return self._return(trial)

    def _tried(self, trial: Trial) -> Verdict:
        if trial.lives > MOST_LIVES:
            return Verdict(False, f"the machine went down {trial.lives - 1} times during its trial")
        if self.layout.surrender.exists():
            return Verdict(False, self.layout.surrender.read_text(encoding="utf-8"))
        try:
            if trial.phase != WATCHING:
                self._switch(trial.release)
                trial = self._note(replace(trial, phase=WATCHING))
            return self._watched(trial)
        except ReleaseError as error:
            return Verdict(False, str(error))

    def _switch(self, release: int) -> None:
        """Run another release. May be done again at any point."""
        point(self.layout.current, f"releases/{release}")
        self.services.have_installed(release)
        self.services.restart()

    def _watched(self, trial: Trial) -> Verdict:
        probation = Probation(Observation.recalled(trial.before), trial.probation_s, self.monotonic_s())
        while True:
            self.sleep(LOOK_S)
            if self.layout.surrender.exists():
                return Verdict(False, self.layout.surrender.read_text(encoding="utf-8"))
            seen = observe(self.services.state(), self.layout.config)
            if verdict := probation.look(seen, self.monotonic_s()):
                return verdict

    def _keep(self, trial: Trial, verdict: Verdict) -> str:
        manifest, layout = stage.load(self.layout, trial.release), self.layout
        point(layout.good, f"releases/{trial.release}")
        with lock.held(layout):
            known = journal.load(layout.journal)
            if manifest.release >= known.highest:
                known = replace(known, highest=manifest.release, highest_sha256=manifest.sha256)
            outcome = Outcome(trial.release, True, verdict.why, time.time())
            journal.save(layout.journal, replace(known, previous=trial.fallback, trial=None, outcome=outcome))
            stage.prune(layout, {trial.release, trial.fallback})
        return f"release {trial.release} stays: {verdict.why}"

    def _return(self, trial: Trial) -> str:
        """Back to what was good. The journal is changed last: until then, every start of this does it again."""
        layout, why = self.layout, trial.why
        for link in (layout.current, layout.good):
            point(link, f"releases/{trial.fallback}")
        try:
            self.services.have_installed(trial.fallback)
        except ReleaseError as error:
            why = f"{why}; its unit files could not be put back: {error}"
        self.services.restart()
        self._await_ready()
        with lock.held(layout):
            known = journal.load(layout.journal)
            if not layout.surrender.exists():
                known = blocked(known, stage.load(layout, trial.release), trial.why)
            outcome = Outcome(trial.release, False, f"{why}; back to release {trial.fallback}", time.time())
            journal.save(layout.journal, replace(known, trial=None, outcome=outcome))
        layout.surrender.unlink(missing_ok=True)
        return f"release {trial.release} goes: {why}; back to release {trial.fallback}"

    def _await_ready(self) -> None:
        """For so long as a start may take. What was good may be without its camera or broker now: that is no reason to stay."""
        deadline_s = self.monotonic_s() + START_S
        while self.services.state().active != "active" and self.monotonic_s() < deadline_s:
            self.sleep(LOOK_S)

    def _note(self, trial: Trial) -> Trial:
        with lock.held(self.layout):
            journal.save(self.layout.journal, replace(self._journal(), trial=trial))
        return trial

    def _journal(self) -> Journal:
        return journal.load(self.layout.journal)
