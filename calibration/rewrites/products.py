"""The last 1x1 convolutions as matrix products: the one INT8 layer of onnxruntime that takes integers and makes floats.

A convolution makes integers again, too coarse for a score or a corner, or is float and wants its input in another type and order of memory,
which takes longer than the layer itself.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

from calibration.graph import inner, weighted
from calibration.rewrites.layers import bias_of, channels_first, channels_last, hand_over, layer, maker


def rewrite(graph: gs.Graph, int8: set[str]) -> set[str]:
    """Rewrite the 1x1 convolutions that follow INT8 ones and are the last; their inputs and weights become INT8, their results do not."""
    followed = inner(graph)
    return {_rewrite(graph, conv) for conv in weighted(graph) if id(conv) not in followed and _fits(conv, int8)}


def _fits(conv: gs.Node, int8: set[str]) -> bool:
    relu = maker(conv.inputs[0])
    before = maker(relu.inputs[0]) if relu is not None and relu.op == "Relu" else None
    pointwise = conv.op == "Conv" and conv.attrs.get("group", 1) == 1 and conv.inputs[1].values.shape[2:] == (1, 1)
    return pointwise and before is not None and before.name in int8


def _rewrite(graph: gs.Graph, conv: gs.Node) -> str:
    name, weight = conv.name, conv.inputs[1].values
    x = channels_last(graph, f"{name}/last", conv.inputs[0])
    x = layer(graph, "MatMul", f"{name}/product", [x, np.ascontiguousarray(weight[:, :, 0, 0].T)])
    x = channels_first(graph, f"{name}/first", x)  # before the sum, which is slow where channels come last
    hand_over(graph, conv.outputs[0], layer(graph, "Add", f"{name}/sum", [x, bias_of(conv)[:, None, None]]))
    return f"{name}/product"
