"""Neighbouring columns side by side as channels, for the convolutions that a picture goes through first.

They are 3 and 8 channels deep, and onnxruntime's integer convolution wants 4 and 16 at least; what is narrower takes a slower way, and
every way finds the nine neighbours of every pixel one by one. A 3x3 convolution of stride 2 remains one when some columns are taken as one.
Most of its weights are zeros then, and it is still several times as quick.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

from alpr.types import F32
from calibration.graph import narrow
from calibration.rewrites.layers import bias_of, channels_first, channels_last, conv_relu, hand_over, layer, relu_of, reshape

OUTPUTS_AT_ONCE = 64
"""Outputs of one pixel that the widest kernel (AVX-512) computes together."""
MOST = 8
"""Columns: canvases are multiples of 32, so that many groups are even in number after the first convolution, too."""
SHAPE = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "dilations": [1, 1], "group": 1}


def rewrite(graph: gs.Graph, int8: set[str]) -> set[str]:
    """Rewrite the narrow convolutions between the picture and the first wide one; they become INT8."""
    made, tensor = set(), graph.inputs[0]
    while (conv := _taker(tensor)) is not None:
        made.add(f"{conv.name}/wide")
        tensor = _rewrite(graph, conv, first=tensor is graph.inputs[0])
    return made


def _taker(tensor: gs.Variable) -> gs.Node | None:
    """The narrow 3x3 convolution of stride 2, with its ReLU, that takes a tensor."""
    convs = [node for node in tensor.outputs if node.op == "Conv"]
    if len(convs) != 1 or any(convs[0].attrs.get(key) != value for key, value in SHAPE.items()):
        return None
    return convs[0] if narrow(convs[0]) and relu_of(convs[0]) is not None else None


def _rewrite(graph: gs.Graph, conv: gs.Node, first: bool) -> gs.Variable:
    name, tensor, relu, weight = conv.name, conv.inputs[0], relu_of(conv), conv.inputs[1].values
    columns = min(MOST, 2 ** int(np.log2(OUTPUTS_AT_ONCE // len(weight))))
    wide = side_by_side(weight, columns)
    if first:  # a picture lies channel by channel: its columns are cheaper to bring together than its channels
        by_channel = wide.reshape(len(wide), columns, -1, 3, 3).swapaxes(1, 2)
        x, wide = _picture_columns(graph, f"{name}/columns", tensor, columns), by_channel.reshape(wide.shape)
    else:
        x = _grouped(graph, f"{name}/columns", tensor, columns * weight.shape[1])
    x = conv_relu(graph, f"{name}/wide", x, wide, np.tile(bias_of(conv), columns), conv)
    x = _grouped(graph, f"{name}/apart", x, len(weight))
    hand_over(graph, relu.outputs[0], x)
    return x


def side_by_side(weight: F32, columns: int) -> F32:
    """Weights (o, i, 3, 3) of stride 2 → (columns * o, columns * i, 3, 3) of stride 2 that take `columns` columns as one."""
    outputs, inputs, height, width = weight.shape
    wide = np.zeros((columns, outputs, columns, inputs, height, width), np.float32)
    for out in range(columns):
        for tap in range(width):
            group, column = divmod(2 * out - 1 + tap, columns)
            wide[out, :, column, :, :, group + 1] = weight[:, :, :, tap]
    return wide.reshape(columns * outputs, columns * inputs, height, width)


def _grouped(graph: gs.Graph, name: str, tensor: gs.Variable, channels: int) -> gs.Variable:
    """As many columns side by side, or apart again, as make `channels`; in onnxruntime's order of memory nothing moves."""
    x = channels_last(graph, f"{name}/last", tensor)
    return channels_first(graph, f"{name}/first", reshape(graph, name, x, [0, 0, -1, channels]))


def _picture_columns(graph: gs.Graph, name: str, picture: gs.Variable, columns: int) -> gs.Variable:
    """(n, c, h, w) → (n, c * columns, h, w / columns), a channel's columns together."""
    x = reshape(graph, f"{name}/split", picture, [0, 0, 0, -1, columns])  # (n, c, h, w / columns, columns)
    x = layer(graph, "Transpose", f"{name}/gather", [x], perm=[0, 2, 3, 1, 4])
    return channels_first(graph, f"{name}/first", reshape(graph, name, x, [0, 0, 0, picture.shape[1] * columns]))
