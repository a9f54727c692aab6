"""float16 in the body, float32 at both ends."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest

from alpr.contract import variant
from calibration import graph, half
from tests.calibration.networks import NAMES


@pytest.mark.parametrize("name", ["fp16", "int8-fp16"])
@pytest.mark.parametrize("kind", NAMES)
def test_weights_are_float16_and_both_ends_float32(kind: str, name: str, quantised: dict[str, SimpleNamespace]) -> None:
    made = gs.import_onnx(onnx.load(str(variant(quantised[kind].contract, name).path)))
    assert {tensor.dtype for tensor in (*made.inputs, *made.outputs)} == {np.dtype(np.float32)}
    assert {graph.weight(node).values.dtype for node in graph.weighted(made)} == {np.dtype(np.float16)}
    assert made.opset >= 19


def test_what_float16_cannot_hold_is_refused() -> None:
    image, out = (gs.Variable(name, np.float32, (1, 4)) for name in ("image", "out"))
    weight = gs.Constant("w", np.full((4, 4), 1e6, np.float32))
    with pytest.raises(ValueError, match=r"1e\+06.*float32"):
        half.halve(gs.Graph([gs.Node("MatMul", "m", {}, [image, weight], [out])], [image], [out], opset=19))


def test_an_output_that_the_body_makes_keeps_its_name_and_type() -> None:
    image, out = (gs.Variable(name, np.float32, (1, 4)) for name in ("image", "out"))
    weight = gs.Constant("w", np.eye(4, dtype=np.float32))
    made = half.halve(gs.Graph([gs.Node("MatMul", "m", {}, [image, weight], [out])], [image], [out], opset=19))
    assert [node.op for node in made.nodes] == ["Cast", "MatMul", "Cast"]
    assert made.outputs[0].name == "out" and made.outputs[0].dtype == np.float32
