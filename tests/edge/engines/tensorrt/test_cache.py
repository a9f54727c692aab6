"""Engines on disk: whole or not at all, and refused with a reason wherever anything differs from what is wanted."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from alpr.contract import Contract, Variant
from edge.engines import EngineError
from edge.engines.tensorrt import cache as cache_module
from edge.engines.tensorrt.cache import Cache, StaleEngineError, write_whole
from edge.engines.tensorrt.recipe import PRECISIONS, Recipe, recipe, shapes
from tests.edge.engines.tensorrt.trt_standin import Trt

VERSIONS = ("8.5.2", "10.3.0", "10.13.3", "11.4.1")


@pytest.fixture
def wanted(contracts: tuple[Contract, Contract, Contract]) -> Recipe:
    return recipe(Trt("10.3.0"), "Orin (sm_87)", contracts[2], "fp16")


def test_an_engine_returns_as_it_was_stored(tmp_path: Path, wanted: Recipe) -> None:
    path = Cache(tmp_path / "engines").store(wanted, b"plan", built_in_s=3.5)
    assert Cache(tmp_path / "engines").load(wanted) == b"plan"
    about = json.loads(path.with_suffix(".json").read_text())
    assert about["built_in_s"] == 3.5 and about["sha256"] == hashlib.sha256(b"plan").hexdigest()
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name, path.with_suffix(".json").name]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"tensorrt": "8.5.2.2"}, "tensorrt is 8.5.2.2, expected 10.3.0"),
        ({"gpu": "Orin Nano (sm_87)"}, r"gpu is Orin Nano \(sm_87\), expected Orin \(sm_87\)"),
        ({"graph_sha256": "0" * 64}, "graph_sha256 is 000000000000…"),
        ({"shapes": ((1, 3, 64, 128),)}, "shapes is"),
        ({"typing": "strong"}, "typing is strong, expected weak"),
        ({"dla": True}, "dla is True, expected False"),
    ],
)
def test_a_stale_or_foreign_engine_is_refused_with_the_reason(tmp_path: Path, wanted: Recipe, other: dict, said: str) -> None:
    Cache(tmp_path).store(replace(wanted, **other), b"plan")
    assert replace(wanted, **other).key != wanted.key
    with pytest.raises(StaleEngineError, match=rf"kerbside-reader fp16: {said}.*python -m tools.build_engines"):
        Cache(tmp_path).load(wanted)


def test_of_several_engines_the_nearest_one_is_told(tmp_path: Path, wanted: Recipe) -> None:
    Cache(tmp_path).store(replace(wanted, gpu="x", tensorrt="8.5.2", dla=True), b"far")
    Cache(tmp_path).store(replace(wanted, tensorrt="10.2.0"), b"near")
    with pytest.raises(StaleEngineError, match=r"fp16: tensorrt is 10.2.0, expected 10.3.0: python"):
        Cache(tmp_path).load(wanted)


def test_an_engine_under_another_one_s_name_is_refused(tmp_path: Path, wanted: Recipe) -> None:
    """Someone copied a folder from another unit and renamed what did not load."""
    foreign = Cache(tmp_path).store(replace(wanted, gpu="Xavier (sm_72)"), b"plan")
    for suffix in (".engine", ".json"):
        foreign.with_suffix(suffix).rename(Cache(tmp_path).path(wanted).with_suffix(suffix))
    with pytest.raises(StaleEngineError, match="gpu is Xavier"):
        Cache(tmp_path).load(wanted)


@pytest.mark.parametrize("broken", [b"pla", b"plam", b""])
def test_a_cut_off_engine_is_refused(tmp_path: Path, wanted: Recipe, broken: bytes) -> None:
    Cache(tmp_path).store(wanted, b"plan").write_bytes(broken)
    with pytest.raises(StaleEngineError, match="not the file that was built"):
        Cache(tmp_path).load(wanted)


def test_nothing_is_there_yet(tmp_path: Path, wanted: Recipe) -> None:
    with pytest.raises(StaleEngineError, match=r"no engine in .*: python -m tools.build_engines"):
        Cache(tmp_path / "none").load(wanted)
    (tmp_path / "kerbside-reader.fp16.0.json").write_text("{cut o")
    with pytest.raises(StaleEngineError, match="no engine in"):
        Cache(tmp_path).load(wanted)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "file", b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache_module.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old" and [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_auto_chose_is_remembered_a_model(tmp_path: Path, contracts: tuple[Contract, Contract, Contract]) -> None:
    cache, (detector, _, reader) = Cache(tmp_path), contracts
    with pytest.raises(StaleEngineError, match=rf"says nothing about {reader.name} \w{{12}}: .*--precision auto"):
        cache.chosen(reader)
    cache.choose(reader, "int8", {"ms": 1.5})
    cache.choose(detector, "fp16", {})
    assert (cache.chosen(reader), cache.chosen(detector)) == ("int8", "fp16")


def test_a_release_that_comes_back_finds_its_own_choice(tmp_path: Path, contracts: tuple[Contract, Contract, Contract]) -> None:
    """A new release's model has the old one's name: its choice once took the old one's place, and the old one had no such engine."""
    cache, old = Cache(tmp_path), contracts[2]
    new = replace(old, sha256="0" * 64)
    cache.choose(old, "fp16", {})
    cache.choose(new, "int8", {})
    assert (cache.chosen(old), cache.chosen(new)) == ("fp16", "int8")


def test_every_shape_has_a_profile_of_its_own(contracts: tuple[Contract, Contract, Contract]) -> None:
    detector, enhancer, reader = (shapes(contract, ((384, 640), (480, 640))) for contract in contracts)
    assert detector == tuple((batch, 3, height, 640) for height in (384, 480) for batch in (1, 2, 4))
    assert {shape[2:] for shape in enhancer} == {(32, 192), (64, 96)} and {shape[0] for shape in enhancer} == {1, 2, 4, 8}
    assert [shape[0] for shape in reader] == [1, 2, 4, 8, 16] and {shape[2:] for shape in reader} == {(64, 128)}


def test_the_graph_of_a_precision_depends_on_who_decides_types(contracts: tuple[Contract, ...], tmp_path: Path) -> None:
    """Names and hashes stand in the contract, and nowhere else."""
    variants = {}
    for name in ("fp16", "int8", "int8-fp16"):
        (tmp_path / f"reader.{name}.onnx").write_text(name)
        variants[name] = Variant(tmp_path / f"reader.{name}.onnx", hashlib.sha256(name.encode()).hexdigest(), True)
    contract = replace(contracts[2], path=tmp_path / "reader.onnx", variants=variants)
    names = {version: [recipe(Trt(version), "Orin", contract, each).graph for each in PRECISIONS] for version in VERSIONS}
    assert names["8.5.2"] == names["10.3.0"] == ["reader.onnx", "reader.onnx", "reader.int8.onnx"]
    assert names["10.13.3"] == names["11.4.1"] == ["reader.onnx", "reader.fp16.onnx", "reader.int8-fp16.onnx"]
    (tmp_path / "reader.int8.onnx").write_text("damaged")
    with pytest.raises(EngineError, match=r"int8 cannot be built: .*reader.int8.onnx: sha256 is"):
        recipe(Trt("8.5.2"), "Orin", contract, "int8")


def test_a_graph_that_is_missing_is_named(contracts: tuple[Contract, Contract, Contract]) -> None:
    with pytest.raises(EngineError, match=r"kerbside-reader: int8 cannot be built: .*has no variant 'int8-fp16'"):
        recipe(Trt("11.4.1"), "Orin", replace(contracts[2], variants={}), "int8")
