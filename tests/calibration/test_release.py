"""Variants in a contract: read as they were written, refused where they are no variants."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from alpr import contract as contracts
from alpr.contract import VARIANTS, Contract, ContractError
from calibration import release
from calibration.evaluation import Score, Set
from calibration.sensitivity import Plan


@pytest.fixture
def path(quantised: dict[str, SimpleNamespace], tmp_path: Path) -> Path:
    for each in quantised["ocr"].path.parent.glob("reader.*"):
        shutil.copy(each, tmp_path)
    return tmp_path / "reader.yaml"


def test_a_variant_is_the_same_model_in_another_file(path: Path) -> None:
    contract = contracts.load(path)
    assert tuple(contract.variants) == VARIANTS
    for name in VARIANTS:
        found = contracts.variant(contract, name)
        assert found.path == path.parent / f"reader.{name}.onnx" and found.sha256 != contract.sha256
        assert (found.name, found.outputs, found.input) == (contract.name, contract.outputs, contract.input)


def test_a_contract_without_variants_has_none_to_give(path: Path) -> None:
    fields = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({key: value for key, value in fields.items() if key != "variants"}))
    contract = contracts.load(path)
    assert contract.variants == {}
    with pytest.raises(ContractError, match=r"has no variant 'int8' \(it has none\)"):
        contracts.variant(contract, "int8")


@pytest.mark.parametrize(
    ("variants", "says"),
    [
        (["int8"], "variants is ['int8'], expected a mapping"),
        ({"int4": {}}, "variants.int4: expected one of fp16, int8"),
        ({"int8": {"file": "x.onnx", "sha256": "0"}}, "expected file, sha256 and passed"),
        ({"int8": {"file": "x.onnx", "sha256": "0", "passed": "yes"}}, "passed: true or false"),
        ({"int8": {"file": "x.onnx", "sha256": "0", "passed": True, "as_bytes": 1}}, "variants.int8.as_bytes is 1, expected true or false"),
    ],
)
def test_what_is_no_variant_is_refused(path: Path, variants: object, says: str) -> None:
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "variants": variants}))
    with pytest.raises(ContractError, match=re.escape(says)):
        contracts.load(path)


def test_a_damaged_variant_is_refused_when_it_is_asked_for(path: Path) -> None:
    contract = contracts.load(path)
    (path.parent / "reader.int8.onnx").write_bytes(b"cut")
    with pytest.raises(ContractError, match=r"reader\.int8\.onnx: sha256 is .*damaged"):
        contracts.variant(contract, "int8")


def test_the_cpu_gives_layers_back_until_little_is_turned_wrong(models: dict[str, Contract], pictures: Set, tmp_path: Path) -> None:
    """Two files turn more wrong than may be: the two layers that cost most alone are float in the third."""
    contract = models["sr"]
    layers = release.candidates(contract)
    alone = {layer: Score(0.9, 100, turned=i / 1000) for i, layer in enumerate(layers)}
    plan = Plan(contract.sha256, "max", tuple(layers), (), Score(0.9, 100), Score(0.9, 100), {}, alone)
    found = iter([Score(0.9, 100, turned=0.02), Score(0.89, 100), Score(0.9, 100, turned=0.01)])
    path, floats = release.write_cpu(contract, pictures, plan, lambda run: next(found), tmp_path)
    assert path == tmp_path / f"{contract.path.stem}.cpu-int8.onnx" and path.exists()
    assert floats == (layers[-1], layers[-2]) and next(found, None) is None
