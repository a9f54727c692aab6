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
from calibration.cpu import limits
from calibration.evaluation import Set
from calibration.release import tensors
from calibration.rewrites import rewritten
from calibration.runtime import Session
from calibration.speed import side_by_side
from tests.calibration.networks import NAMES


@pytest.mark.parametrize("kind", NAMES)
def test_activations_are_unsigned_and_weights_signed_per_output(kind: str, quantised: dict[str, SimpleNamespace]) -> None:
    made = gs.import_onnx(onnx.load(str(variant(quantised[kind].contract, "cpu-int8").path)))
    pairs = [node for node in made.nodes if node.op == "QuantizeLinear"]
    assert {node.inputs[2].values.dtype for node in pairs} == {np.dtype(np.uint8)}
    int8 = [node for node in graph.weighted(made) if isinstance(node.inputs[1], gs.Variable)]
    _, layers = rewritten(graph.load(quantised[kind].contract.path), quantised[kind].layers)
    assert sorted(node.name for node in int8) == sorted(layers)
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


@pytest.mark.parametrize("kind", NAMES)
def test_it_computes_nearly_what_float_does(kind: str, quantised: dict[str, SimpleNamespace], pictures: Set) -> None:
    """Run as a unit runs it. The weights are random, so little is asked: most of what an output varies by is there."""
    contract = quantised[kind].contract
    batch = next(iter(tensors(contract, pictures)()))
    floats, int8 = (Session(each.path, as_written=False)(batch) for each in (contract, variant(contract, "cpu-int8")))
    for name, expected in floats.items():
        assert np.abs(int8[name] - expected).mean() <= 0.25 * np.abs(expected - expected.mean()).mean(), name


def test_a_picture_comes_as_the_bytes_it_was(quantised: dict[str, SimpleNamespace]) -> None:
    """In float it is bytes over 255, which the network would make bytes of again: it takes them as they are, and says so."""
    assert variant(quantised["detection"].contract, "cpu-int8").input.as_bytes
    assert not any(variant(quantised[kind].contract, "cpu-int8").input.as_bytes for kind in ("sr", "ocr"))
    made = gs.import_onnx(onnx.load(str(variant(quantised["detection"].contract, "cpu-int8").path)))
    first = next(node for node in graph.weighted(made) if node.name.endswith("/wide"))
    assert made.inputs[0].dtype == np.uint8
    pixels = [node for node in _before(first) if node.op in ("QuantizeLinear", "DequantizeLinear")]
    assert pixels[-1].op == "DequantizeLinear", "the bytes of a picture are what the first of them takes"
    assert all(node.inputs[1].values == pytest.approx(1 / 255) and node.inputs[2].values == 0 for node in pixels)


def _before(node: gs.Node) -> list[gs.Node]:
    found = [maker for tensor in node.inputs[:1] for maker in tensor.inputs]
    return [*found, *(earlier for maker in found for earlier in _before(maker))]


def test_what_is_copied_together_has_one_range_unless_it_may_be_negative() -> None:
    """A ReLU whose range begins below 0 is computed by itself, and LPSR was slower than in float for it."""
    a, b, c, d, e = (gs.Variable(name, np.float32) for name in "abcde")
    net = gs.Graph([gs.Node("Concat", "x", {"axis": 1}, [a, b], [c]), gs.Node("Concat", "y", {"axis": 1}, [c, d], [e])], [], [e], opset=17)
    ends = limits(net, {"a": (0.5, 1.0), "b": (0.0, 3.0), "c": (0.0, 3.0), "d": (-1.0, 2.0), "e": (-1.0, 3.0)})
    assert ends == {"a": (0.0, 3.0), "b": (0.0, 3.0), "c": (0.0, 3.0), "d": (-1.0, 2.0), "e": (-1.0, 3.0)}


def test_times_are_taken_turn_by_turn() -> None:
    """Three times the work takes about three times as long, whatever else the machine does."""

    class Busy:
        def __init__(self, seconds: float) -> None:
            self._seconds = seconds

        def fed(self, batch: np.ndarray) -> np.ndarray:
            time.sleep(0)  # what feeding takes is not counted
            return batch

        def run(self, tensor: np.ndarray) -> None:
            until = time.thread_time() + self._seconds
            while time.thread_time() < until:
                pass

    ratio = side_by_side([Busy(0.006), Busy(0.002)], [np.zeros(1, np.float32)], 5)
    assert ratio.times == pytest.approx(3, abs=0.5) and ratio.turns == 5
