"""Which layers bear INT8: one at a time, in the work's own measure, and out of that a plan of mixed precision."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx_graphsurgeon as gs

from calibration import qdq
from calibration.evaluation import Run, Score
from calibration.graph import model_of
from calibration.ranges import METHODS, Histogram, reach
from calibration.runtime import Session

BUDGET = 0.25
"""Points that a plan may lose on the set it is made with: half of what the gate allows on pictures that no plan has seen."""
TURNED = 0.5
"""Points of its plates that a plan may turn wrong, however many others it turns right: what the gate lets a file lose at most."""
Measure = Callable[[Run], Score]


class PlanError(ValueError):
    """A plan that is not of this model, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is INT8 in one model, and what that rests on."""

    sha256: str  # of the float model
    method: str  # how ranges are taken
    int8: tuple[str, ...]
    floats: tuple[str, ...]  # layers that could be INT8 and are not, worst first
    fp32: Score
    planned: Score
    by_method: Mapping[str, Score]  # all candidates INT8
    by_layer: Mapping[str, Score]  # one layer INT8


def make(sha256: str, graph: gs.Graph, histograms: Mapping[str, Histogram], layers: Sequence[str], measure: Measure) -> Plan:
    """Choose how ranges are taken and which layers stay in float."""
    fp32 = measure(Session(model_of(graph)))
    by_method = {method: measure(quantised(graph, reach(histograms, method), layers)) for method in METHODS}
    method = min(by_method, key=lambda each: _cost(by_method[each], fp32))
    ranges = reach(histograms, method)
    by_layer = {layer: measure(quantised(graph, ranges, [layer])) for layer in layers}
    int8, planned = reduced(fp32, by_layer, lambda kept: measure(quantised(graph, ranges, kept)), by_method[method])
    floats = tuple(layer for layer in worst_first(by_layer) if layer not in int8)
    return Plan(sha256, method, int8, floats, fp32, planned, by_method, by_layer)


def reduced(fp32: Score, by_layer: Mapping[str, Score], measure: Callable[[Sequence[str]], Score], all_int8: Score) -> tuple[Any, Score]:
    """Give the layer that costs most back to float, until what is lost together is within BUDGET and TURNED → INT8 layers, their score."""
    kept, score = list(by_layer), all_int8
    for layer in worst_first(by_layer):
        if score.lost(fp32) <= BUDGET and 100 * score.turned <= TURNED:
            break
        kept.remove(layer)
        score = measure(kept) if kept else fp32
    return tuple(kept), score


def _cost(score: Score, fp32: Score) -> tuple[float, float, float]:
    """Plates turned wrong, points lost, characters: what reads more than float does is lucky and no better than what reads as much."""
    return score.turned, max(0.0, score.lost(fp32)), score.cer


def worst_first(by_layer: Mapping[str, Score]) -> list[str]:
    return sorted(by_layer, key=lambda layer: by_layer[layer].rank)


def quantised(graph: gs.Graph, ranges: Mapping[str, float], int8: Sequence[str]) -> Session:
    """The graph with these layers INT8, computed as written."""
    return Session(model_of(qdq.insert(graph, ranges, int8)))


def save(plan: Plan, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(plan), indent=1) + "\n", encoding="utf-8")


def load(path: Path, sha256: str) -> Plan:
    """Raises PlanError where it is not of the model with this hash."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        scores = {key: Score(**fields[key]) for key in ("fp32", "planned")}
        tables = {key: {name: Score(**each) for name, each in fields[key].items()} for key in ("by_method", "by_layer")}
        layers = {key: tuple(map(str, fields[key])) for key in ("int8", "floats")}
        plan = Plan(**{**fields, **scores, **tables, **layers})
        if plan.method not in METHODS:
            raise ValueError(f"method is {plan.method!s:.40}, expected one of {', '.join(METHODS)}")
    except OSError as error:
        raise PlanError(f"{path}: cannot be read ({error.strerror}); make it with python -m calibration quantise") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PlanError(f"{path}: is no plan: {error!s:.300}; make it anew with python -m calibration quantise") from error
    if plan.sha256 != sha256:
        raise PlanError(
            f"{path}: is of model {str(plan.sha256)[:16]}…, not of {sha256[:16]}…: make it anew with python -m calibration quantise"
        )
    return plan
