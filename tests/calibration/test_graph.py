"""Which layers are found, which may be INT8, and where a network's body begins and ends."""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs
import pytest

from alpr.contract import Contract
from calibration import graph
from tests.calibration.networks import NAMES


def conv(name: str, tensor: gs.Variable, outputs: int, inputs: int, group: int = 1) -> gs.Variable:
    made = gs.Variable(f"{name}_out", np.float32, (1, outputs, 8, 8))
    kernel = gs.Constant(f"{name}_w", np.ones((outputs, inputs // group, 1, 1), np.float32))
    return made, gs.Node("Conv", name, {"group": group}, [tensor, kernel], [made])


def test_narrow_last_and_first_layers_stay_in_float() -> None:
    image = gs.Variable("image", np.float32, (1, 32, 8, 8))
    (a, first), image_ = conv("first", image, 32, 32), image
    (b, deep) = conv("depthwise", a, 32, 32, group=32)
    (c, thin) = conv("narrow", b, 8, 32)
    (d, wide) = conv("widen", c, 32, 8)
    (e, inner) = conv("inner", d, 32, 32)
    (f, last) = conv("last", e, 32, 32)
    net = gs.Graph([first, deep, thin, wide, inner, last], [image_], [f], opset=17)
    assert graph.candidates(net, "ocr") == ["first", "depthwise", "inner"]
    assert graph.candidates(net, "sr") == ["depthwise", "inner"]


@pytest.mark.parametrize("kind", NAMES)
def test_the_tail_of_each_model_is_no_candidate(kind: str, models: dict[str, Contract]) -> None:
    floats = graph.load(models[kind].path)
    names = graph.candidates(floats, kind)
    assert len(names) > 5
    tails = {"detection": ("score.2", "shape.2"), "sr": ("leave", "enter"), "ocr": ("characters", "two_lines")}[kind]
    assert not [name for name in names if any(tail in name for tail in tails)]


def test_boxes_probabilities_and_the_global_skip_lie_outside_the_body(models: dict[str, Contract]) -> None:
    outside = {}
    for kind, contract in models.items():
        floats = graph.load(contract.path)
        inside = graph.body(floats)
        outside[kind] = {node.op for node in floats.nodes if id(node) not in inside}
        assert not [node.name for node in graph.weighted(floats) if id(node) not in inside]
    assert {"Exp", "Sigmoid", "Range"} <= outside["detection"]
    assert {"Softmax", "ReduceMean"} <= outside["ocr"]
    assert {"Clip", "Log", "Sigmoid", "DepthToSpace"} <= outside["sr"]


def test_a_skip_is_found_where_int8_goes_on_and_only_there(models: dict[str, Contract]) -> None:
    """The reader's blocks, and LPSR's attention; its global skip goes on into the last layer, which is float."""
    for kind in ("ocr", "sr"):
        floats = graph.load(models[kind].path)
        names = graph.candidates(floats, kind)
        adds = [node.name for node in floats.nodes if graph.residual(node, names) is not None]
        assert adds and "/Add" not in adds, adds


def test_folding_leaves_the_free_sizes_free(models: dict[str, Contract]) -> None:
    shape = graph.load(models["detection"].path).inputs[0].shape
    assert [side for side in shape if isinstance(side, int)] == [3]
