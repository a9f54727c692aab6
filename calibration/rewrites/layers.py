"""The layers that rewrites are made of. Sides go without numbers (0 keeps one, -1 takes what is left), so that every canvas fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_graphsurgeon as gs

from alpr.types import F32


def layer(graph: gs.Graph, op: str, name: str, inputs: Sequence[gs.Tensor | np.ndarray], **attrs: Any) -> gs.Variable:
    """Add a layer and return what it makes, which is called as the layer is."""
    made: gs.Variable = graph.layer(op=op, name=name, inputs=list(inputs), outputs=[f"{name}:0"], attrs=attrs)[0]
    return made


def conv_relu(graph: gs.Graph, name: str, tensor: gs.Variable, weight: F32, bias: F32, like: gs.Node, **attrs: Any) -> gs.Variable:
    """A convolution with the attributes of `like`, and its ReLU."""
    shaped = {**like.attrs, "kernel_shape": list(weight.shape[2:]), **attrs}
    return layer(graph, "Relu", f"{name}/relu", [layer(graph, "Conv", name, [tensor, weight, bias], **shaped)])


def reshape(graph: gs.Graph, name: str, tensor: gs.Variable, shape: Sequence[int]) -> gs.Variable:
    return layer(graph, "Reshape", name, [tensor, np.array(shape, np.int64)])


def channels_last(graph: gs.Graph, name: str, tensor: gs.Variable) -> gs.Variable:
    """(n, c, h, w) → (n, h, w, c): onnxruntime's integer layers work in that order, and drop this together with their own."""
    return layer(graph, "Transpose", name, [tensor], perm=[0, 2, 3, 1])


def channels_first(graph: gs.Graph, name: str, tensor: gs.Variable) -> gs.Variable:
    return layer(graph, "Transpose", name, [tensor], perm=[0, 3, 1, 2])


def bias_of(conv: gs.Node) -> F32:
    """A convolution's bias, zeros where it has none."""
    return conv.inputs[2].values if len(conv.inputs) > 2 else np.zeros(len(conv.inputs[1].values), np.float32)


def relu_of(conv: gs.Node) -> gs.Node | None:
    """The ReLU that alone takes what a convolution makes; None where there is none."""
    takers = conv.outputs[0].outputs
    return takers[0] if len(takers) == 1 and takers[0].op == "Relu" else None


def maker(tensor: gs.Tensor) -> gs.Node | None:
    """The node that a tensor comes from; None for an input or a constant."""
    return tensor.inputs[0] if tensor.inputs else None


def hand_over(graph: gs.Graph, old: gs.Variable, new: gs.Variable) -> None:
    """Whoever took `old` takes `new`, which is the same and has its name, and the layers that only made `old` are gone."""
    new.shape, new.dtype = old.shape, old.dtype
    new.name, old.name = old.name, f"{old.name}/before"
    for node in list(old.outputs):
        node.inputs = [new if tensor is old else tensor for tensor in node.inputs]
    graph.outputs = [new if tensor is old else tensor for tensor in graph.outputs]
    graph.cleanup()
