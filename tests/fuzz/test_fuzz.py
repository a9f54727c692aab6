"""The quick form of `python -m tests.fuzz`: the same targets with fewer inputs, and the same ones every time."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import mutations
from tests.fuzz.__main__ import main
from tests.fuzz.target import Found, Target, count, examine
from tests.fuzz.targets import TARGETS

SEED = 0


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_comes_from_outside_is_taken_or_refused_in_words(target: Target, tmp_path: Path) -> None:
    tally = examine(target, tmp_path, target.quick, SEED)
    assert tally["accepted"] > 0, "inputs that are all refused say little about what is taken"
    assert tally["accepted"] + tally["refused"] >= target.quick // 2


def _gives_up_at_seven(folder: Path) -> object:
    def check(value: int) -> bool:
        if value >= 7:
            raise KeyError(value)
        return value % 2 == 0

    return check


FAULTY = Target("faulty", st.integers(0, 100), _gives_up_at_seven)  # type: ignore[arg-type]


def test_a_defect_is_found_made_small_and_told(tmp_path: Path) -> None:
    """What all of this rests on: an input that raises is not passed over."""
    told: list[str] = []
    found = count(FAULTY, tmp_path, 50, SEED, told.append)
    assert (found.defects, found.passed) == (1, False)
    assert found.inputs > found.accepted + found.refused > 0, "what came before the defect counts; it did not"
    assert "faulty: KeyError: 7" in told[0] and "value=7" in told[0]


def test_a_number_that_overflows_is_a_defect(tmp_path: Path) -> None:
    import numpy as np

    overflowing = Target("overflowing", st.just(1), lambda folder: lambda value: bool(np.float32(3e38) * np.float32(10) > 0))
    with pytest.raises(RuntimeWarning, match="overflow"):
        examine(overflowing, tmp_path, 3, SEED)


def test_the_same_seed_gives_the_same_inputs(tmp_path: Path) -> None:
    def heard(seed: int) -> list[int]:
        values: list[int] = []
        examine(Target("heard", st.integers(), lambda folder: lambda value: values.append(value) is None), tmp_path, 20, seed)
        return values

    assert heard(3) == heard(3) != heard(4)


def test_a_target_that_nothing_reaches_has_not_passed() -> None:
    assert not Found("nothing", 0, 0, 0, 0, 0.0).passed


def test_the_command_runs_what_is_named_and_writes_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fuzz.csv"
    assert main(["tracker", "polygon", "--examples", "30", "--seed", "7", "--csv", str(file), "--conditions", "a test"]) == 0
    with file.open(newline="") as rows:
        found = list(csv.DictReader(rows))
    assert [row["target"] for row in found] == ["tracker", "polygon"]
    assert all(int(row["inputs"]) >= 30 and row["defects"] == "0" and row["conditions"].startswith("a test; ") for row in found)
    assert "seed 7" in capsys.readouterr().out


def test_a_name_that_no_target_has_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["nonsense"])
    assert stopped.value.code == 2 and "--list" in capsys.readouterr().err


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_mutations_change_what_they_are_given_and_nothing_else(data: st.DataObject) -> None:
    text, document, raw = "a: 1\nb: [1, 2]\nc:\n  d: x\n", {"a": [1, {"b": 2}], "c": "d"}, b"0123456789"
    assert isinstance(data.draw(mutations.edited(text)), str)
    assert isinstance(data.draw(mutations.damaged(raw)), bytes)
    assert isinstance(data.draw(mutations.changed(document)), bytes)
    assert document == {"a": [1, {"b": 2}], "c": "d"} and json.loads(json.dumps(document)) == document
