"""A model's graph as quantisation sees it: its weighted layers, what lies between them, and which of them may be INT8 at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import onnx
import onnx.version_converter
import onnx_graphsurgeon as gs

LEAST_CHANNELS = 16
"""Convolutions with fewer channels on either side stay in float: there INT8 costs accuracy and gains no time."""
FLOAT_FIRST = ("sr",)
"""Kinds of model whose first layer stays in float: what super-resolution loses there it cannot draw again."""


def load(path: Path, opset: int | None = None) -> gs.Graph:
    """An ONNX file, raised to `opset`, with its shapes inferred, its constants folded and a name for every node."""
    model = onnx.load(str(path))
    if opset and opset > max(each.version for each in model.opset_import if not each.domain):
        model = onnx.version_converter.convert_version(model, opset)
    graph = gs.import_onnx(onnx.shape_inference.infer_shapes(model))
    graph.fold_constants()
    for i, node in enumerate(graph.nodes):
        node.name = node.name or f"{node.op}_{i}"
        if node.op == "Concat" and len(node.inputs) == 1:  # torch writes a dense block's first layer so
            _bypass(graph, node)
    return graph.cleanup().toposort()


def inferred(graph: gs.Graph) -> gs.Graph:
    """A copy of a graph with shapes and types for the layers that were added to it."""
    return gs.import_onnx(onnx.shape_inference.infer_shapes(model_of(graph)))


def model_of(graph: gs.Graph) -> onnx.ModelProto:
    """The graph as onnxruntime takes it."""
    model = gs.export_onnx(graph.cleanup().toposort())
    model.ir_version = min(model.ir_version, 10)  # onnxruntime 1.18, the oldest that we name, reads no later one
    return model


def save(graph: gs.Graph, path: Path) -> None:
    """Check a graph and write it, whole or not at all."""
    model = model_of(graph)
    onnx.checker.check_model(model, full_check=True)
    draft = path.with_suffix(".draft")
    onnx.save(model, str(draft))
    draft.replace(path)


def weighted(graph: gs.Graph) -> list[gs.Node]:
    """The layers with weights, in the order of the graph: Conv, ConvTranspose, and MatMul or Gemm with a constant."""
    return [node for node in graph.nodes if node.op in WEIGHT_AXIS and weight(node) is not None]


def weight(node: gs.Node) -> gs.Constant | None:
    """A layer's weight, seen through the Q/DQ before it; None where two activations are multiplied."""
    found = node.inputs[1]
    while isinstance(found, gs.Variable) and found.inputs and found.inputs[0].op in ("QuantizeLinear", "DequantizeLinear"):
        found = found.inputs[0].inputs[0]
    return found if isinstance(found, gs.Constant) else None


def weight_axis(node: gs.Node) -> int:
    """The axis of a layer's weight that counts its outputs: a scale for each of them."""
    return WEIGHT_AXIS[node.op](node)


WEIGHT_AXIS: dict[str, Callable[[gs.Node], int]] = {
    "Conv": lambda node: 0,
    "ConvTranspose": lambda node: 1,
    "MatMul": lambda node: weight(node).values.ndim - 1,
    "Gemm": lambda node: 0 if node.attrs.get("transB", 0) else 1,
}


def candidates(graph: gs.Graph, kind: str) -> list[str]:
    """The layers that may be INT8, by name: not narrow, not the last on their way to an output, not the first where `kind` forbids it."""
    layers, followed = weighted(graph), inner(graph)
    barred = {layers[0].name} if kind in FLOAT_FIRST and layers else set()
    return [node.name for node in layers if id(node) in followed and node.name not in barred and not narrow(node)]


def inner(graph: gs.Graph) -> set[int]:
    """Ids of the nodes that a weighted layer follows."""
    return {id(node) for node in _upstream(node.inputs[0] for node in weighted(graph))}


def narrow(node: gs.Node) -> bool:
    """Whether a layer has fewer than LEAST_CHANNELS inputs or outputs; a depthwise one has as many as it has groups."""
    shape, axis, groups = weight(node).values.shape, weight_axis(node), node.attrs.get("group", 1)
    outputs, inputs = shape[axis], shape[1 - axis] if len(shape) > 1 else 1
    if node.op == "Conv":
        inputs *= groups
    elif node.op == "ConvTranspose":
        outputs *= groups
    return min(inputs, outputs) < LEAST_CHANNELS


def body(graph: gs.Graph) -> set[int]:
    """Ids of the nodes from the first weighted layers to the last: what comes before (a picture's mean) and after (boxes in pixels,
    a sum of probabilities) wants all of float32, and costs nothing."""
    layers = weighted(graph)
    weights = {id(node) for node in _upstream(node.inputs[1] for node in layers if node.inputs[1].inputs)}
    before = {id(node) for node in _upstream(tensor for node in layers for tensor in node.outputs)}
    after = {id(node) for node in _downstream(tensor for node in layers for tensor in node.outputs)}
    return weights | {id(node) for node in layers} | before & after


def between(graph: gs.Graph, names: Iterable[str]) -> set[int]:
    """Ids of the nodes on a way from one of the named layers to another."""
    chosen = set(names)
    layers = [node for node in graph.nodes if node.name in chosen]
    after = {id(node) for node in _downstream(tensor for node in layers for tensor in node.outputs)}
    before = {id(node) for node in _upstream(tensor for node in layers for tensor in node.inputs)}
    return after & before


def residual(node: gs.Node, int8: Iterable[str]) -> gs.Tensor | None:
    """The skip branch of an Add that a runtime fuses into the convolution beside it: None where there is none.

    That is: the other branch is an INT8 convolution's output and goes nowhere else, and the sum is wanted by INT8 layers (a sum that goes
    on in float, as super-resolution's global skip does, is left alone).
    """
    names = set(int8)
    if node.op != "Add" or any(isinstance(tensor, gs.Constant) for tensor in node.inputs):
        return None
    for skip, branch in (node.inputs, node.inputs[::-1]):
        made = branch.inputs[0] if branch.inputs else None
        alone = made is not None and made.op == "Conv" and made.name in names and len(branch.outputs) == 1
        if alone and skip is not branch and any(user.name in names for user in users(node)):
            return skip
    return None


def users(node: gs.Node) -> list[gs.Node]:
    """Who takes a node's output, seen through activations."""
    direct = node.outputs[0].outputs
    return [user for each in direct for user in ([each] if each.op != "Relu" else [each, *each.outputs[0].outputs])]


def _upstream(tensors: Iterable[gs.Tensor]) -> list[gs.Node]:
    """All nodes that these tensors come from."""
    return _walk(tensors, lambda tensor: tensor.inputs, lambda node: node.inputs)


def _downstream(tensors: Iterable[gs.Tensor]) -> list[gs.Node]:
    """All nodes that these tensors go to."""
    return _walk((tensor for tensor in tensors if not isinstance(tensor, gs.Constant)), lambda t: t.outputs, lambda node: node.outputs)


def _walk(start: Iterable[gs.Tensor], nodes: Callable, tensors: Callable) -> list[gs.Node]:
    seen: dict[int, gs.Node] = {}
    waiting = list(start)
    while waiting:
        for node in nodes(waiting.pop()):
            if id(node) not in seen:
                seen[id(node)] = node
                waiting += tensors(node)
    return list(seen.values())


def _bypass(graph: gs.Graph, node: gs.Node) -> None:
    """Take a node out that hands its one input on."""
    for user in list(node.outputs[0].outputs):
        user.inputs = [node.inputs[0] if tensor is node.outputs[0] else tensor for tensor in user.inputs]
    graph.outputs = [node.inputs[0] if tensor is node.outputs[0] else tensor for tensor in graph.outputs]
    node.outputs.clear()
