"""float16 for strong typing: the graph's own types say what is computed how, so the body is cast and its ends are not.

The body is what lies from the first weighted layer to the last (`graph.body`). Before it a picture's mean and spread are taken, after it
boxes are decoded to pixels (float16 has steps of half a pixel from 512 on) and probabilities summed: both stay in float32, as do
a model's input and outputs, so that its contract holds for every file.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnx_graphsurgeon as gs

from calibration.graph import body

OPSET = 19
"""The first whose QuantizeLinear and DequantizeLinear take float16."""
LARGEST = float(np.finfo(np.float16).max)
FLOAT_INPUTS = {"Resize": (1, 2)}
"""Inputs that ONNX wants in float32 whatever the data's type: a region and scales."""


def halve(graph: gs.Graph) -> gs.Graph:
    """A copy of a graph whose body is float16, with casts where it begins and ends."""
    graph = graph.copy()
    inside = body(graph)
    halves: dict[str, gs.Tensor] = {}
    for node in [node for node in graph.nodes if id(node) in inside]:
        _retype(node)
        for i, tensor in enumerate(node.inputs):
            if tensor.dtype == np.float32 and i not in FLOAT_INPUTS.get(node.op, ()):
                if isinstance(tensor, gs.Constant):
                    node.inputs[i] = halves.setdefault(tensor.name, _constant(tensor))
                elif not tensor.inputs or id(tensor.inputs[0]) not in inside:
                    node.inputs[i] = halves.get(tensor.name) or halves.setdefault(tensor.name, _cast(graph, tensor, np.float16))
    for node in [node for node in graph.nodes if id(node) in inside]:
        for tensor in [tensor for tensor in node.outputs if tensor.dtype == np.float32]:
            _leave(graph, tensor, inside)
    return graph.cleanup().toposort()


def _retype(node: gs.Node) -> None:
    """What a node says about its own output's type."""
    if node.op == "Cast" and node.attrs["to"] == onnx.TensorProto.FLOAT:
        node.attrs["to"] = int(onnx.TensorProto.FLOAT16)
    if node.op == "ConstantOfShape" and node.outputs[0].dtype == np.float32:
        value = node.attrs.get("value")
        node.attrs["value"] = gs.Constant("value", (np.zeros(1) if value is None else value.values).astype(np.float16))


def _constant(tensor: gs.Constant) -> gs.Constant:
    finite = tensor.values[np.isfinite(tensor.values)]
    if finite.size and np.abs(finite).max() > LARGEST:
        raise ValueError(f"{tensor.name}: holds {np.abs(finite).max():g}, more than float16's {LARGEST:g}: keep this model in float32")
    return gs.Constant(f"{tensor.name}/half", tensor.values.astype(np.float16))


def _cast(graph: gs.Graph, tensor: gs.Tensor, to: type[np.floating]) -> gs.Variable:
    made = gs.Variable(f"{tensor.name}/{np.dtype(to).name}", to, tensor.shape)
    kind = int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(to)))
    graph.nodes.append(gs.Node("Cast", f"{made.name}/cast", {"to": kind}, [tensor], [made]))
    return made


def _leave(graph: gs.Graph, tensor: gs.Variable, inside: set[int]) -> None:
    """Make a tensor of the body float16; who takes it outside gets it cast back."""
    outside = [node for node in tensor.outputs if id(node) not in inside and node.op not in ("Shape", "Cast")]
    wanted = any(tensor is output for output in graph.outputs)
    tensor.dtype = np.float16
    if not outside and not wanted:
        return
    if wanted:  # the name belongs to the output
        inner = gs.Variable(f"{tensor.name}/half", np.float16, tensor.shape)
        maker = tensor.inputs[0]
        maker.outputs = [inner if each is tensor else each for each in maker.outputs]
        for node in list(tensor.outputs):
            node.inputs = [inner if each is tensor else each for each in node.inputs]
        tensor.dtype = np.float32
        graph.nodes.append(gs.Node("Cast", f"{tensor.name}/cast", {"to": int(onnx.TensorProto.FLOAT)}, [inner], [tensor]))
        tensor = inner
    if outside:
        back = _cast(graph, tensor, np.float32)
        for node in outside:
            node.inputs = [back if each is tensor else each for each in node.inputs]
