"""Building, with a stand-in for TensorRT: flags by version and precision, profiles, timings, progress, and reasons."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from alpr.contract import Contract
from edge.engines import EngineError
from edge.engines.tensorrt import bindings
from edge.engines.tensorrt.builder import Workshop
from edge.engines.tensorrt.recipe import Recipe, recipe
from tests.edge.engines.tensorrt.trt_standin import Trt


def made(trt: Trt, contract: Contract, precision: str = "fp32", dla: bool = False) -> Recipe:
    """A recipe whose graph is the model's own, whatever the precision: no builder looks inside it here."""
    return replace(recipe(trt, "Orin (sm_87)", contract, "fp32", dla=dla), precision=precision)


@pytest.mark.parametrize(
    ("version", "precision", "flags", "network"),
    [
        ("8.5.2.2", "fp32", [], 1 << 0),
        ("8.5.2.2", "int8", ["FP16", "INT8", "TF32"], 1 << 0),
        ("8.6.2", "fp16", ["FP16", "TF32"], 1 << 0),
        ("10.3.0", "int8", ["FP16", "INT8", "TF32"], 0),
        ("10.13.3", "int8", ["TF32"], 1 << 1),
        ("11.4.1", "fp16", ["TF32"], 1 << 0),
        ("11.4.1", "fp32", [], 1 << 0),
    ],
)
def test_flags_say_the_precision_where_types_do_not(
    tmp_path: Path, contracts: tuple[Contract, ...], version: str, precision: str, flags: list[str], network: int
) -> None:
    trt = Trt(version)
    plan = json.loads(Workshop(trt, contracts[2].path.parent, tmp_path).build(made(trt, contracts[2], precision)))
    assert (plan["flags"], plan["network"]) == (flags, network)
    assert plan["shapes"] == [[batch, 3, 64, 128] for batch in (1, 2, 4, 8, 16)]


def test_timings_are_kept_for_the_next_build(tmp_path: Path, contracts: tuple[Contract, ...]) -> None:
    workshop = Workshop(Trt(), contracts[2].path.parent, tmp_path)
    for builds in (b"+", b"++"):
        workshop.build(made(Trt(), contracts[2]))
        assert (tmp_path / "timing-10.3.0-Orin--sm-87-.cache").read_bytes() == builds


def test_progress_is_reported(tmp_path: Path, contracts: tuple[Contract, ...]) -> None:
    told: list[tuple[str, float]] = []
    Workshop(Trt(), contracts[2].path.parent, tmp_path).build(made(Trt(), contracts[2]), lambda phase, share: told.append((phase, share)))
    assert told == [("Tactics", 0.5), ("Tactics", 1.0)]
    Workshop(Trt("8.5.2"), contracts[2].path.parent, tmp_path).build(made(Trt("8.5.2"), contracts[2]))


@pytest.mark.parametrize(
    ("breaks", "said"), [("parse", "cannot parse it: No importer .* Einsum"), ("build", "no fp32 engine: Could not find")]
)
def test_refusals_give_tensorrt_s_reason(tmp_path: Path, contracts: tuple[Contract, ...], breaks: str, said: str) -> None:
    trt = Trt(breaks=breaks)
    with pytest.raises(EngineError, match=said):
        Workshop(trt, contracts[2].path.parent, tmp_path).build(made(trt, contracts[2]))
    assert list(tmp_path.iterdir()) == []


def test_a_dla_is_used_where_there_is_one(tmp_path: Path, contracts: tuple[Contract, ...]) -> None:
    for cores, precision, said in ((0, "int8", "has no DLA"), (2, "fp32", "fp16 or int8 only")):
        trt = Trt(dla_cores=cores)
        with pytest.raises(EngineError, match=said):
            Workshop(trt, contracts[2].path.parent, tmp_path).build(made(trt, contracts[2], precision, dla=True))
    trt = Trt(dla_cores=2)
    plan = json.loads(Workshop(trt, contracts[2].path.parent, tmp_path).build(made(trt, contracts[2], "int8", dla=True)))
    assert plan["dla"] and "GPU_FALLBACK" in plan["flags"]


def test_a_machine_without_tensorrt_says_what_to_do() -> None:
    try:
        import tensorrt  # noqa: F401
    except ImportError:
        with pytest.raises(EngineError, match=r"python3-libnvinfer .* engine: onnx"):
            bindings.tensorrt()


def test_a_version_that_is_none_is_refused() -> None:
    trt = Trt()
    trt.__version__ = "unknown"
    with pytest.raises(EngineError, match="calls itself 'unknown'"):
        bindings.version(trt)
