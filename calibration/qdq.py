"""Put Q/DQ into a float graph where TensorRT fuses it: symmetric INT8 on the inputs of weighted layers, a scale per output of a weight.

What TensorRT's explicit quantisation wants (NVIDIA, "Working with quantized types"): inputs of weighted layers, not their outputs;
the skip branch of a residual sum alone; biases in float. onnxruntime's own quantiser gives INT32 biases, which the parser
refuses, and UINT8 activations, which it reads as INT8 with only a warning: `check` lets neither pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx_graphsurgeon as gs

from calibration.graph import residual, weight, weight_axis, weighted

LEAST_SCALE = 2.0**-14
"""The least normal float16: smaller scales would lose their digits in the file for strong typing."""


class QdqError(ValueError):
    """A quantised graph that TensorRT would refuse, or misread in silence."""


def watched(graph: gs.Graph, int8: Sequence[str]) -> list[str]:
    """The tensors that need a range before these layers can be INT8, in the order of the graph."""
    inputs = [node.inputs[0].name for node in weighted(graph) if node.name in int8]
    return list(dict.fromkeys([*inputs, *(skip.name for _, skip in _skips(graph, int8))]))


def insert(graph: gs.Graph, ranges: Mapping[str, float], int8: Sequence[str]) -> gs.Graph:
    """A copy of a float graph in which the named layers are INT8. Raises QdqError for a layer that is not there."""
    graph = graph.copy()
    layers = {node.name: node for node in weighted(graph)}
    if unknown := sorted(set(int8) - set(layers)):
        raise QdqError(f"no layer is called {', '.join(unknown)}: this plan is of another model; measure it again")
    quantised: dict[str, gs.Variable] = {}
    for add, skip in _skips(graph, int8):
        place = next(i for i, tensor in enumerate(add.inputs) if tensor is skip)
        add.inputs[place] = _activation(graph, quantised, skip, ranges)
    for name in int8:
        node = layers[name]
        node.inputs[0] = _activation(graph, quantised, node.inputs[0], ranges)
        node.inputs[1] = _weight(graph, node)
    return graph.cleanup().toposort()


def scales(values: np.ndarray, axis: int) -> np.ndarray:
    """A weight's scale for each of its outputs (outputs,): its largest magnitude becomes 127."""
    largest = np.abs(values).max(axis=tuple(i for i in range(values.ndim) if i != axis))
    return _rounded(largest / 127)


def _rounded(scale: np.ndarray | float) -> np.ndarray:
    """Scales as float16 can hold them, so that both files mean the same integers."""
    return np.asarray(np.maximum(scale, LEAST_SCALE), np.float16).astype(np.float32)


def _skips(graph: gs.Graph, int8: Sequence[str]) -> list[tuple[gs.Node, gs.Tensor]]:
    found = ((node, residual(node, int8)) for node in graph.nodes)
    return [(node, skip) for node, skip in found if skip is not None]


def _activation(graph: gs.Graph, made: dict[str, gs.Variable], tensor: gs.Tensor, ranges: Mapping[str, float]) -> gs.Variable:
    """A tensor after Q/DQ with one scale; all who take it share the pair."""
    if tensor.name not in made:
        made[tensor.name] = _pair(graph, tensor, tensor.name, _rounded(ranges[tensor.name] / 127), {})
    return made[tensor.name]


def _weight(graph: gs.Graph, node: gs.Node) -> gs.Variable:
    """The weight stays in float before its pair: every TensorRT from 8.5 on folds that, older ones take nothing else."""
    axis, values = weight_axis(node), node.inputs[1].values
    constant = gs.Constant(f"{node.name}/weight", values)
    return _pair(graph, constant, constant.name, scales(values, axis), {"axis": axis})


def _pair(graph: gs.Graph, tensor: gs.Tensor, name: str, scale: np.ndarray, attrs: dict[str, int]) -> gs.Variable:
    by = [gs.Constant(f"{name}/scale", scale), gs.Constant(f"{name}/zero", np.zeros(scale.shape, np.int8))]
    integers = gs.Variable(f"{name}/int8", np.int8, tensor.shape)
    floats = gs.Variable(f"{name}/dequantised", np.float32, tensor.shape)
    graph.nodes.append(gs.Node("QuantizeLinear", f"{name}/quantize", attrs, [tensor, *by], [integers]))
    graph.nodes.append(gs.Node("DequantizeLinear", f"{name}/dequantize", dict(attrs), [integers, *by], [floats]))
    return floats


def check(graph: gs.Graph) -> None:
    """Raise QdqError unless all Q/DQ is int8 with zero point 0, weights have a scale per output, and no bias is quantised."""
    for node in graph.nodes:
        if node.op in ("QuantizeLinear", "DequantizeLinear"):
            _check_pair(node)
    for node in weighted(graph):
        if any(tensor.inputs and tensor.inputs[0].op == "DequantizeLinear" for tensor in node.inputs[2:]):
            raise QdqError(f"{node.name}: its bias is quantised, which TensorRT's parser refuses; leave it in float")
        if isinstance(node.inputs[1], gs.Variable):
            _check_weight(node)


def _check_pair(node: gs.Node) -> None:
    zero = node.inputs[2] if len(node.inputs) > 2 else None
    if not isinstance(zero, gs.Constant) or zero.values.dtype != np.int8 or zero.values.any():
        said = "none" if not isinstance(zero, gs.Constant) else f"{zero.values.dtype} {zero.values.ravel()[:4].tolist()}"
        raise QdqError(f"{node.name}: zero point is {said}, expected int8 0: TensorRT reads every other as that, without a word")


def _check_weight(node: gs.Node) -> None:
    pair, values = node.inputs[1].inputs[0], weight(node).values
    axis, outputs = pair.attrs.get("axis"), values.shape[weight_axis(node)]
    if axis != weight_axis(node) or pair.inputs[1].values.shape != (outputs,):
        raise QdqError(f"{node.name}: expected a scale for each of {outputs} outputs along axis {weight_axis(node)}, found axis {axis}")


def int8_layers(graph: gs.Graph) -> Iterable[str]:
    """The layers of a graph that are INT8."""
    return (node.name for node in weighted(graph) if isinstance(node.inputs[1], gs.Variable))
