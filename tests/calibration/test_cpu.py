"""The CPU's file: unsigned activations, signed weights, and the clock that compares it."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest

from alpr.contract import variant
from calibration import graph
from calibration.speed import side_by_side
from tests.calibration.networks import NAMES


@pytest.mark.parametrize("kind", NAMES)
def test_activations_are_unsigned_and_weights_signed_per_output(kind: str, quantised: dict[str, SimpleNamespace]) -> None:
    made = gs.import_onnx(onnx.load(str(variant(quantised[kind].contract, "cpu-int8").path)))
    pairs = [node for node in made.nodes if node.op == "QuantizeLinear"]
    assert {node.inputs[2].values.dtype for node in pairs} == {np.dtype(np.uint8)}
    int8 = [node for node in graph.weighted(made) if isinstance(node.inputs[1], gs.Variable)]
    assert sorted(node.name for node in int8) == sorted(quantised[kind].layers)
    for node in int8:
        assert graph.weight(node).values.dtype == np.int8
        assert node.inputs[1].inputs[0].inputs[1].values.size == graph.weight(node).values.shape[graph.weight_axis(node)]


def test_attention_stays_in_float(quantised: dict[str, SimpleNamespace]) -> None:
    """Products of activations, norms and sums among a reader's attention in INT8 cost a released one 24 points of plates."""
    made = gs.import_onnx(onnx.load(str(variant(quantised["ocr"].contract, "cpu-int8").path)))
    products = [node for node in made.nodes if node.op == "MatMul" and graph.weight(node) is None]
    makers = {tensor.inputs[0].op for node in products for tensor in node.inputs}
    assert products and "DequantizeLinear" not in makers
    weighted = [node for node in graph.weighted(made) if node.op == "MatMul"]
    assert not [node.name for node in weighted if any(user.op == "QuantizeLinear" for user in node.outputs[0].outputs)]


def test_times_are_taken_turn_by_turn() -> None:
    """Three times the work takes about three times as long, whatever else the machine does."""

    def busy(seconds: float):
        def run(batch: np.ndarray) -> dict:
            until = time.thread_time() + seconds
            while time.thread_time() < until:
                pass
            return {}

        return run

    ratio = side_by_side([busy(0.006), busy(0.002)], [np.zeros(1, np.float32)], 5)
    assert ratio.times == pytest.approx(3, abs=0.5) and ratio.turns == 5
