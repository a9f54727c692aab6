"""Plans: the layer that costs plates goes back to float, and a plan belongs to one model."""

from __future__ import annotations

from pathlib import Path

import pytest

from alpr.contract import Contract
from calibration import graph, release, sensitivity
from calibration.evaluation import Run, Score, Set
from calibration.sensitivity import Plan, PlanError, reduced, worst_first


def scores(**lost: float) -> dict[str, Score]:
    return {name: Score(0.9 - points / 100, 100) for name, points in lost.items()}


def test_layers_go_back_worst_first_until_the_loss_is_small() -> None:
    by_layer = scores(a=0.0, b=3.0, c=1.0, d=0.1)
    asked: list[tuple[str, ...]] = []

    def measure(kept: list[str]) -> Score:
        asked.append(tuple(kept))
        return Score(0.9 - sum(0.9 - by_layer[name].value for name in kept), 100)

    kept, score = reduced(Score(0.9, 100), by_layer, measure, Score(0.859, 100))
    assert kept == ("a", "d") and asked == [("a", "c", "d"), ("a", "d")] and score.value == pytest.approx(0.899)


def test_what_loses_nothing_stays_whole() -> None:
    kept, _ = reduced(Score(0.9, 100), scores(a=0.0, b=0.0), lambda _: pytest.fail("asked without need"), Score(0.899, 100))
    assert kept == ("a", "b")


def test_characters_decide_between_equals() -> None:
    assert worst_first({"a": Score(0.9, 10, 0.02), "b": Score(0.9, 10, 0.05), "c": Score(0.8, 10, 0.01)}) == ["c", "b", "a"]


def test_plates_turned_wrong_count_though_others_make_up_for_them() -> None:
    """Two of 300 turned wrong and two right is no loss in sum, and more than may be."""
    by_layer = {"a": Score(0.9, 300, turned=0.0), "b": Score(0.9, 300, turned=2 / 300)}
    kept, score = reduced(Score(0.9, 300), by_layer, lambda kept: Score(0.9, 300, turned=0.0), Score(0.9, 300, turned=2 / 300))
    assert kept == ("a",) and score.turned == 0
    assert worst_first({"a": Score(0.8, 10), "b": Score(0.9, 10, turned=0.1)}) == ["b", "a"]


def test_luck_is_no_merit() -> None:
    """Of methods that lose nothing, the one with the fewest wrong characters; not the one that happens to read two plates more."""
    fp32, lucky, close, poor = Score(0.9, 100, 0.02), Score(0.92, 100, 0.03), Score(0.9, 100, 0.02), Score(0.89, 100, 0.01)
    assert sorted([lucky, close, poor], key=lambda each: sensitivity._cost(each, fp32)) == [close, lucky, poor]


def test_a_plan_is_made_with_real_graphs(models: dict[str, Contract], pictures: Set) -> None:
    """One measurement for float, one a method, one a layer; here the measure is a count that falls, so the order is known."""
    contract = models["sr"]
    floats = graph.load(contract.path)
    layers = graph.candidates(floats, "sr")[:2]
    asked: list[Run] = []

    def measure(run: Run) -> Score:
        asked.append(run)
        return Score(1.0, 100, 0.01 * len(asked))

    plan = sensitivity.make(contract.sha256, floats, release.observed(contract, pictures), layers, measure)
    assert len(asked) == 1 + 4 + 2 and plan.method == "max" and plan.int8 == tuple(layers) and plan.floats == ()


def test_a_plan_comes_back_from_its_file_and_no_other_model_takes_it(tmp_path: Path) -> None:
    plan = Plan("ab", "mse", ("x",), ("y",), Score(0.9, 10), Score(0.89, 10, 0.1), {"mse": Score(0.8, 10)}, scores(x=0, y=4))
    sensitivity.save(plan, tmp_path / "p.json")
    assert sensitivity.load(tmp_path / "p.json", "ab") == plan
    with pytest.raises(PlanError, match="is of model ab"):
        sensitivity.load(tmp_path / "p.json", "cd")
    (tmp_path / "p.json").write_text("{}")
    with pytest.raises(PlanError, match="make it anew"):
        sensitivity.load(tmp_path / "p.json", "ab")
