"""The gate: half a point, no more; and its verdict in the contract, which the device heeds."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from alpr import contract as contracts
from calibration import gate, release
from calibration.evaluation import Score, Set
from calibration.gate import Verdict


def verdict(n: int, fp32: float, int8: float, pool: tuple[float, float] | None = None) -> Verdict:
    whole = pool or (fp32, int8)
    return Verdict("plate accuracy", {
        "fp32": {"set": Score(fp32, n), "all": Score(whole[0], 1000)}, "int8": {"set": Score(int8, n), "all": Score(whole[1], 1000)},
    })  # fmt: skip


@pytest.mark.parametrize(
    ("found", "passes"),
    [
        (verdict(1000, 0.9, 0.895), True),  # half a point
        (verdict(1000, 0.9, 0.894), False),  # six plates of a thousand
        (verdict(1000, 0.9, 0.95), True),  # better is no loss
        (verdict(300, 0.9, 0.88, (0.9, 0.9)), False),  # lost on one set and made good by others
        (verdict(40, 0.9, 0.875, (0.9, 0.899)), True),  # one plate of forty is 2.5 points, and is no finding
    ],
)
def test_half_a_point_may_go_and_no_more(found: Verdict, passes: bool) -> None:
    assert found.passed == {"int8": passes}


def test_no_plates_prove_nothing() -> None:
    nothing = {"all": Score(0.0, 0)}
    assert Verdict("AP50", {"fp32": nothing, "int8": nothing}).passed == {"int8": False}


def test_every_file_is_measured_and_the_contract_told(quantised: dict[str, SimpleNamespace], pictures: Set, tmp_path: Path) -> None:
    folder = quantised["ocr"].path.parent
    for path in folder.iterdir():
        shutil.copy(path, tmp_path)
    contract = contracts.load(tmp_path / "reader.yaml")
    assert not any(each.passed for each in contract.variants.values()), "nothing passes unmeasured"
    found = gate.measure(contract, release.judge(contract, tmp_path), [pictures])
    assert set(found.scores) == {"fp32", *contracts.VARIANTS} and found.scores["fp32"]["all"].n == len(pictures.crops)
    release.note_gate(tmp_path / "reader.yaml", found.fields(), {**found.passed, "int8": False, "cpu-int8": True})
    told = contracts.load(tmp_path / "reader.yaml")
    assert told.measured["gate"]["all"]["n"] == len(pictures.crops) and set(told.measured["gate"]["all"]["lost"]) == set(contracts.VARIANTS)
    assert told.variants["cpu-int8"].passed and not told.variants["int8"].passed
    assert "FAILED" not in gate.table("x", found) or not all(found.passed.values())


def test_new_files_have_passed_nothing(quantised: dict[str, SimpleNamespace], tmp_path: Path) -> None:
    """A verdict of other files must not stand beside new ones."""
    for path in quantised["ocr"].path.parent.iterdir():
        shutil.copy(path, tmp_path)
    path = tmp_path / "reader.yaml"
    release.note_gate(path, {"all": {}}, {"int8": True})
    release.name_variants(path, {"int8": tmp_path / "reader.int8.onnx"})
    told = contracts.load(path)
    assert list(told.variants) == ["int8"] and not told.variants["int8"].passed and "gate" not in told.measured
