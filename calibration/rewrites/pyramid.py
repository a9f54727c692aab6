"""A 1x1 convolution over a map and a coarser one enlarged beside it is the sum of two: of the map's, and of the coarse one's enlarged.

So the coarse part is computed before it is enlarged, on a quarter of the pixels. Enlarging is free: the coarse convolution says every pixel
twice, side by side, and the sum takes every row twice.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

from calibration.rewrites.layers import bias_of, channels_first, channels_last, hand_over, layer, maker, relu_of, reshape

TWICE = [1, 1, 2, 2]


def rewrite(graph: gs.Graph, int8: set[str]) -> set[str]:
    """Rewrite each such INT8 convolution; the coarse part is a layer of its own."""
    made: set[str] = set()
    for conv in [node for node in graph.nodes if node.name in int8 and _fits(node)]:
        made |= _rewrite(graph, conv)
    return made


def _fits(conv: gs.Node) -> bool:
    beside = maker(conv.inputs[0])
    pointwise = conv.op == "Conv" and conv.attrs.get("group", 1) == 1 and conv.inputs[1].values.shape[2:] == (1, 1)
    if not pointwise or relu_of(conv) is None or beside is None or beside.op != "Concat" or len(beside.inputs) != 2:
        return False
    return len(beside.outputs[0].outputs) == 1 and _doubles(maker(beside.inputs[1])) and beside.inputs[0].shape is not None


def _doubles(node: gs.Node | None) -> bool:
    """Whether it is a nearest-neighbour Resize to twice the sides."""
    if node is None or node.op != "Resize" or node.attrs.get("mode", "nearest") != "nearest" or len(node.inputs) < 3:
        return False
    scales = node.inputs[2]
    return isinstance(scales, gs.Constant) and scales.values.tolist() == TWICE


def _rewrite(graph: gs.Graph, conv: gs.Node) -> set[str]:
    name, relu, weight = conv.name, relu_of(conv), conv.inputs[1].values
    fine, enlarged = maker(conv.inputs[0]).inputs
    coarse, channels = maker(enlarged).inputs[0], fine.shape[1]
    a = layer(graph, "Conv", f"{name}/fine", [fine, weight[:, :channels], bias_of(conv)], **conv.attrs)
    b = layer(graph, "Conv", f"{name}/coarse", [coarse, np.concatenate([weight[:, channels:]] * 2)], **conv.attrs)
    a = reshape(graph, f"{name}/rows", channels_last(graph, f"{name}/fine/last", a), [0, 0, 1, -1])  # (n, h, 1, w * o)
    b = reshape(graph, f"{name}/twice", channels_last(graph, f"{name}/coarse/last", b), [0, 0, 1, -1])  # (n, h / 2, 1, w * o)
    a = reshape(graph, f"{name}/pairs", a, [0, -1, 2, 0])  # (n, h / 2, 2, w * o)
    x = layer(graph, "Relu", f"{name}/relu", [layer(graph, "Add", f"{name}/sum", [a, b])])
    x = reshape(graph, f"{name}/single", x, [0, -1, 1, 0])
    x = channels_first(graph, f"{name}/first", reshape(graph, f"{name}/pixels", x, [0, 0, -1, len(weight)]))
    hand_over(graph, relu.outputs[0], x)
    return {f"{name}/fine", f"{name}/coarse"}
