"""Our builder with a real one: TensorRT-RTX shares TensorRT 11's interface, and builds for a named GPU on a machine that has none."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from alpr.contract import Contract
from edge.engines import EngineError
from edge.engines.tensorrt.bindings import Log
from edge.engines.tensorrt.builder import Workshop
from edge.engines.tensorrt.recipe import VARIANTS, recipe

pytestmark = pytest.mark.filterwarnings("ignore:Use Deprecated in TensorRT-RTX:DeprecationWarning")  # timings are no-ops there


class AheadOfTime:
    """TensorRT-RTX as the TensorRT that it is like, with every build for Ampere."""

    __version__ = "11.4.0"

    def __init__(self) -> None:
        self._module = importlib.import_module("tensorrt_rtx_bindings")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def Builder(self, logger: Any) -> Any:  # noqa: N802 (TensorRT's own name)
        return Builder(self._module, logger)


class Builder:
    def __init__(self, module: Any, logger: Any) -> None:
        self._module, self._builder = module, module.Builder(logger)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._builder, name)

    def create_builder_config(self) -> Any:
        config = self._builder.create_builder_config()
        config.num_compute_capabilities = 1
        config.set_compute_capability(self._module.ComputeCapability.SM80, 0)
        return config


@pytest.fixture(scope="module")
def trt() -> AheadOfTime:
    try:
        return AheadOfTime()
    except (ImportError, OSError) as error:
        pytest.skip(f"TensorRT-RTX cannot be imported here: {error}")


def available(contract: Contract) -> list[str]:
    """The precisions that a contract has a strongly typed graph for."""
    return [precision for precision, name in VARIANTS[True].items() if name is None or name in contract.variants]


@pytest.mark.parametrize("stage", [0, 1, 2], ids=["detector", "enhancer", "reader"])
def test_every_model_builds_with_all_its_profiles(trt: AheadOfTime, contracts: tuple[Contract, ...], stage: int, tmp_path: Path) -> None:
    contract, told = contracts[stage], list[tuple[str, float]]()
    for precision in available(contract):
        made = recipe(trt, "Ampere (sm_80)", contract, precision)
        plan = Workshop(trt, contract.path.parent, tmp_path).build(made, lambda phase, share: told.append((phase, share)))
        assert len(plan) > 50_000 and told and all(0 < share <= 1 for _, share in told)
    assert [path.name for path in tmp_path.iterdir()] == ["timing-11.4.0-Ampere--sm-80-.cache"]


def test_the_parser_s_own_words_are_told(trt: AheadOfTime, contracts: tuple[Contract, ...], tmp_path: Path) -> None:
    made = recipe(trt, "Ampere (sm_80)", contracts[2], "fp32")
    (tmp_path / "reader.onnx").write_bytes(b"no model")
    with pytest.raises(EngineError, match=r"reader.onnx: TensorRT 11.4.0 cannot parse it: .{10,}"):
        Workshop(trt, tmp_path, tmp_path).build(made)


def test_the_log_keeps_errors_and_forgets_them_when_told(trt: AheadOfTime) -> None:
    log = Log(trt)
    log.logger.log(trt.ILogger.Severity.WARNING, "nothing")
    log.logger.log(trt.ILogger.Severity.ERROR, "bad")
    assert (log.why(), log.why()) == ("bad", "TensorRT gave no reason")
