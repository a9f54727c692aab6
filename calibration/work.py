"""How much work a network's weighted layers do, counted by running it once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort

WEIGHTED: Final = ("Conv", "ConvTranspose", "Gemm", "MatMul")


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's products, each with its sum, and the elements that it reads and writes; of the whole batch."""

    name: str
    macs: int
    inputs: int
    weights: int
    outputs: int


def layers(model: onnx.ModelProto, shape: Sequence[int]) -> list[Layer]:
    """The weighted layers, and products of two activations, for an input of this shape, (n, c, h, w).

    Every tensor of theirs is made an output: sizes that a network computes itself are known in no other way.
    """
    weighted = [node for node in model.graph.node if node.op_type in WEIGHTED]
    sizes = {constant.name: tuple(constant.dims) for constant in model.graph.initializer}
    source = model.graph.input[0].name
    tensors = {name for node in weighted for name in (*node.input[:2], node.output[0])} - {*sizes, source}
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    del opened.graph.output[:]
    opened.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(tensors))
    plain = ort.SessionOptions()
    plain.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(opened.SerializeToString(), plain, providers=["CPUExecutionProvider"])
    found = session.run(None, {source: np.zeros(shape, np.float32)})
    sizes |= {output.name: value.shape for output, value in zip(session.get_outputs(), found, strict=True)} | {source: tuple(shape)}
    return [_layer(node.name, node.op_type, *(sizes[name] for name in (*node.input[:2], node.output[0]))) for node in weighted]


def gmacs(work: Sequence[Layer]) -> float:
    """10^9 products with their sums."""
    return sum(layer.macs for layer in work) / 1e9


def _layer(name: str, kind: str, taken: Sequence[int], weights: Sequence[int], made: Sequence[int]) -> Layer:
    inputs, outputs = math.prod(taken), math.prod(made)
    if kind == "ConvTranspose":  # each element of the input is spread over a kernel
        return Layer(name, inputs * math.prod(weights[1:]), inputs, math.prod(weights), outputs)
    each = math.prod(weights[1:]) if kind == "Conv" else taken[-1]
    return Layer(name, outputs * each, inputs, math.prod(weights), outputs)
