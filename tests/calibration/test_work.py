"""Layers of known size are counted, and the released models have the work that their card says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from calibration import work
from calibration.work import Layer

ROOT = Path(__file__).parents[2]


def network(nodes: list[onnx.NodeProto], weights: dict[str, tuple[int, ...]], sides: list[int | str]) -> onnx.ModelProto:
    """A network of these layers from x to y."""
    constants = [numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in weights.items()]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in (("x", sides), ("y", None))]
    graph = helper.make_graph(nodes, "layers", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_a_convolution_is_counted() -> None:
    """8 outputs of 3x3x4 products at each of 10x6 places, twice for a batch of two."""
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="layer", pads=[1, 1, 1, 1], strides=[2, 2])
    net = network([node], {"w": (8, 4, 3, 3)}, ["n", 4, "h", "w"])
    assert work.layers(net, (2, 4, 20, 12)) == [Layer("layer", 2 * 8 * 36 * 60, 2 * 4 * 240, 8 * 36, 2 * 8 * 60)]


def test_an_enlarging_convolution_is_counted_by_its_input() -> None:
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], name="layer", strides=[2, 2])
    net = network([node], {"w": (4, 8, 2, 2)}, ["n", 4, "h", "w"])
    assert work.layers(net, (1, 4, 5, 6)) == [Layer("layer", 4 * 30 * 8 * 4, 120, 128, 8 * 120)]


def test_products_of_activations_are_counted() -> None:
    """As in attention: sizes that no shape in the file tells."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["x", "t"], ["y"], name="layer"),
    ]
    net = network(nodes, {}, ["n", 2, "h", "w"])
    assert work.layers(net, (1, 2, 5, 7)) == [Layer("layer", 2 * 5 * 5 * 7, 70, 70, 50)]


@pytest.mark.parametrize(
    ("model", "shape", "gmac"), [("detector", (1, 3, 384, 640), 0.367), ("lpsr", (1, 3, 32, 192), 0.101), ("lpsr", (1, 3, 96, 64), 0.101)]
)
def test_released_models_have_the_work_that_their_card_says(model: str, shape: tuple[int, ...], gmac: float) -> None:
    assert work.gmacs(work.layers(onnx.load(str(ROOT / f"models/{model}.onnx")), shape)) == pytest.approx(gmac, abs=0.0006)
