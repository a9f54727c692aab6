"""Q/DQ: int8, zero point 0, a scale per output, no quantised bias; both files mean the same integers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest

from alpr.contract import Contract, variant
from calibration import graph, qdq
from calibration.qdq import QdqError
from calibration.runtime import Session
from tests.calibration.networks import NAMES

SIZES = {"detection": (1, 3, 96, 160), "sr": (2, 3, 32, 192), "ocr": (2, 3, 64, 128)}


def one_conv(axis_op: str = "Conv") -> gs.Graph:
    """A convolution of 32 to 32 channels with known weights, and one after it that stays in float."""
    image, a, b = (gs.Variable(name, np.float32, (1, 32, 4, 4)) for name in ("image", "a", "b"))
    weight = np.zeros((32, 32, 1, 1), np.float32)
    weight[range(32), range(32)] = np.arange(1, 33)[:, None, None] / 32
    nodes = [
        gs.Node(axis_op, "first", {}, [image, gs.Constant("w", weight), gs.Constant("c", np.ones(32, np.float32))], [a]),
        gs.Node("Conv", "last", {}, [a, gs.Constant("v", weight)], [b]),
    ]
    return gs.Graph(nodes, [image], [b], opset=17, ir_version=10)


@pytest.mark.parametrize(("op", "axis"), [("Conv", 0), ("ConvTranspose", 1)])
def test_a_weight_has_a_scale_per_output(op: str, axis: int) -> None:
    made = qdq.insert(one_conv(op), {"image": 127.0}, ["first"])
    pair = next(node for node in made.nodes if node.name == "first/weight/quantize")
    assert pair.attrs["axis"] == axis
    assert np.allclose(pair.inputs[1].values, np.arange(1, 33) / 32 / 127, rtol=1e-3)
    qdq.check(made)


def test_known_integers_come_out() -> None:
    """Range 127: a step is 1, so activations round to whole numbers and clip at -128 and 127; weights are exact to 1 in 127."""
    made = qdq.insert(one_conv(), {"image": 127.0}, ["first"])
    made.outputs = [made.tensors()["image/dequantised"]]
    image = np.zeros((1, 32, 4, 4), np.float32)
    image[0, 0, 0] = [0.4, 0.6, 300.0, -300.0]
    out = Session(graph.model_of(made))(image)["image/dequantised"]
    assert out[0, 0, 0].tolist() == [0.0, 1.0, 127.0, -128.0]


def test_what_tensorrt_would_misread_is_refused() -> None:
    """UINT8 Q/DQ parses with a warning alone, and its numbers are silently wrong."""
    for spoil, says in (
        (lambda node: node.inputs.__setitem__(2, gs.Constant("z", np.zeros((), np.uint8))), "uint8"),
        (lambda node: node.inputs.__setitem__(2, gs.Constant("z", np.full((), 3, np.int8))), r"int8 \[3\]"),
        (lambda node: node.inputs.pop(), "none"),
    ):
        made = qdq.insert(one_conv(), {"image": 1.0}, ["first"])
        spoil(next(node for node in made.nodes if node.op == "QuantizeLinear"))
        with pytest.raises(QdqError, match=says):
            qdq.check(made)


def test_a_quantised_bias_is_refused() -> None:
    made = qdq.insert(one_conv(), {"image": 1.0}, ["first"])
    node, scale = next(node for node in made.nodes if node.name == "first"), gs.Constant("s", np.ones((), np.float32))
    bias = gs.Variable("bias", np.float32, (32,))
    integers = gs.Constant("i", np.zeros(32, np.int8))
    made.nodes.append(gs.Node("DequantizeLinear", "d", {}, [integers, scale, gs.Constant("z", np.zeros((), np.int8))], [bias]))
    node.inputs[2] = bias
    with pytest.raises(QdqError, match="bias"):
        qdq.check(made)


def test_a_plan_of_another_model_is_refused() -> None:
    with pytest.raises(QdqError, match="no layer is called elsewhere"):
        qdq.insert(one_conv(), {"image": 1.0}, ["elsewhere"])


@pytest.mark.parametrize("name", ["int8", "int8-fp16"])
@pytest.mark.parametrize("kind", NAMES)
def test_written_graphs_hold_what_tensorrt_wants(kind: str, name: str, quantised: dict[str, SimpleNamespace]) -> None:
    file = variant(quantised[kind].contract, name)
    model = onnx.load(str(file.path))
    opset = model.opset_import[0].version
    assert opset <= 17 if name == "int8" else opset >= 19
    made = gs.import_onnx(model)
    qdq.check(made)
    assert sorted(qdq.int8_layers(made)) == sorted(quantised[kind].layers)
    floats = [node for node in graph.weighted(made) if node.name not in quantised[kind].layers]
    assert floats and all(isinstance(node.inputs[1], gs.Constant) for node in floats)
    scales = [node.inputs[1].values for node in made.nodes if node.op == "QuantizeLinear" and "axis" not in node.attrs]
    assert all(scale.ndim == 0 for scale in scales), "activations have one scale"


@pytest.mark.parametrize("kind", NAMES)
def test_both_typings_mean_the_same_integers(kind: str, quantised: dict[str, SimpleNamespace]) -> None:
    def scales(name: str) -> dict[str, np.ndarray]:
        nodes = gs.import_onnx(onnx.load(str(variant(quantised[kind].contract, name).path))).nodes
        return {node.name: node.inputs[1].values.astype(np.float32) for node in nodes if node.op == "QuantizeLinear"}

    weak, strong = scales("int8"), scales("int8-fp16")
    assert weak.keys() == strong.keys() and all((weak[key] == strong[key]).all() for key in weak)


@pytest.mark.parametrize("kind", NAMES)
def test_files_stay_close_to_the_float_model(kind: str, quantised: dict[str, SimpleNamespace], models: dict[str, Contract]) -> None:
    """Random weights read nothing, so numbers stand in for plates here; the gate counts plates of the released models."""
    batch = np.random.default_rng(3).random(SIZES[kind], np.float32)
    score = models[kind].outputs[0]
    wanted = Session(models[kind].path)(batch)[score]
    for name, most in (("fp16", 0.004), ("int8", 0.08), ("int8-fp16", 0.08), ("cpu-int8", 0.12)):
        run = Session(variant(quantised[kind].contract, name).path, as_written=name != "cpu-int8")
        assert np.abs(run(batch)[score] - wanted).max() < most, name
