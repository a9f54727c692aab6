"""The gate: every file of a model against its float one, on pictures that no range, plan or weight has seen.

A file that loses more than LIMIT points of plate accuracy or AP50 does not pass. A set so small that one plate is more than that is
judged only together with the others: there, one plate would decide and not the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alpr import contract as contracts
from alpr.contract import Contract
from calibration.evaluation import Judge, Score, Set, score
from calibration.runtime import Session

LIMIT = 0.5
"""Points that may be lost: of a hundred plates, or of AP50."""
FLOAT = "fp32"
POOL = "all"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one model's files reach: by file, by set; the float one is `fp32`, all sets together are `all`."""

    metric: str  # "plate accuracy" | "AP50"
    scores: Mapping[str, Mapping[str, Score]]

    def lost(self, variant: str, name: str) -> float:
        """Points lost on a set."""
        return self.scores[variant][name].lost(self.scores[FLOAT][name])

    @property
    def passed(self) -> dict[str, bool]:
        """Which files may be used; where there was no plate to lose, none."""
        judged = [name for name, each in self.scores[FLOAT].items() if name == POOL or each.n * LIMIT >= 100]
        some = self.scores[FLOAT][POOL].n > 0
        # rounding: 0.5 points of 200 plates are one plate, and that one may go
        return {
            variant: some and all(self.lost(variant, name) <= LIMIT + 1e-9 for name in judged)
            for variant in self.scores
            if variant != FLOAT
        }

    def fields(self) -> dict[str, Any]:
        """For the contract: the float score, and points lost by file, for every set."""
        return {
            name: {
                "metric": self.metric,
                "n": each.n,
                FLOAT: round(100 * each.value, 2),
                "lost": {variant: round(self.lost(variant, name), 2) for variant in self.passed},
            }
            for name, each in self.scores[FLOAT].items()
        }


def measure(contract: Contract, judge: Judge, sets: Sequence[Set]) -> Verdict:
    """Run a model's own file and each of its variants over all sets."""
    used = [each for each in sets if (each.scenes if contract.kind == "detection" else each.crops)]
    files = {FLOAT: contract, **{name: contracts.variant(contract, name) for name in contract.variants}}
    scores = {}
    for name, file in files.items():
        run = Session(file.path, as_written=name != "cpu-int8")
        outcomes = {each.name: judge.outcome(run, each) for each in used}
        scores[name] = {**{set_name: score([each]) for set_name, each in outcomes.items()}, POOL: score(list(outcomes.values()))}
    return Verdict("AP50" if contract.kind == "detection" else "plate accuracy", scores)


def table(name: str, verdict: Verdict) -> str:
    """The verdict for a person."""
    lines = [f"{name}: {verdict.metric}, points lost against fp32; at most {LIMIT} may be", f"{'':22}{'n':>6}{'fp32':>8}"]
    lines[1] += "".join(f"{variant:>11}" for variant in verdict.passed)
    for set_name, each in verdict.scores[FLOAT].items():
        losses = "".join(f"{verdict.lost(variant, set_name):11.2f}" for variant in verdict.passed)
        lines.append(f"{set_name:22}{each.n:6}{100 * each.value:8.2f}{losses}")
    words = {True: "passed", False: "FAILED"}
    lines.append(f"{'':36}" + "".join(f"{words[each]:>11}" for each in verdict.passed.values()))
    return "\n".join(lines)
