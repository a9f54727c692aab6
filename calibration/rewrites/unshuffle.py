"""A 3x3 convolution after a pixel unshuffle is one of 6x6 and stride 2 before it: the same products, and no picture is moved for them."""

from __future__ import annotations

import onnx_graphsurgeon as gs

from alpr.types import F32
from calibration.rewrites.layers import bias_of, hand_over, layer, maker

EXPORTED = ("Squeeze", "Reshape", "Transpose", "Reshape", "Reshape", "Unsqueeze")
"""How torch writes a pixel unshuffle, from its end."""
PERM = [0, 1, 3, 5, 2, 4]
SHAPE = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1], "dilations": [1, 1], "group": 1}


def rewrite(graph: gs.Graph, int8: set[str]) -> set[str]:
    """Rewrite every convolution that comes after a pixel unshuffle by 2; one that was INT8 remains so."""
    made = set()
    for conv in [node for node in graph.nodes if node.op == "Conv"]:
        source = _before(conv.inputs[0])
        if source is None or any(conv.attrs.get(key) != value for key, value in SHAPE.items()):
            continue
        name, weight = f"{conv.name}/strided", strided(conv.inputs[1].values)
        attrs = {**conv.attrs, "kernel_shape": [6, 6], "strides": [2, 2], "pads": [2, 2, 2, 2]}
        hand_over(graph, conv.outputs[0], layer(graph, "Conv", name, [source, weight, bias_of(conv)], **attrs))
        made |= {name} & {f"{each}/strided" for each in int8}
    return made


def _before(tensor: gs.Tensor) -> gs.Variable | None:
    """What a pixel unshuffle by 2 was made of; None where the tensor is no such thing."""
    whole = tensor
    for op in EXPORTED:
        node = maker(tensor)
        if node is None or node.op != op or (op == "Transpose" and node.attrs["perm"] != PERM):
            return None
        tensor = node.inputs[0]
    known = whole.shape is not None and tensor.shape is not None
    return tensor if known and whole.shape[1] == 4 * tensor.shape[1] else None


def strided(weight: F32) -> F32:
    """Weights (o, 4 i, 3, 3) over an unshuffled map → (o, i, 6, 6) over the map itself."""
    outputs, inputs = weight.shape[:2]
    return weight.reshape(outputs, inputs // 4, 2, 2, 3, 3).transpose(0, 1, 4, 2, 5, 3).reshape(outputs, inputs // 4, 6, 6)
