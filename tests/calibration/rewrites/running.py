"""Small graphs, and what they make of a picture."""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

from calibration.graph import inferred, model_of
from calibration.runtime import Session

SQUARE = {"strides": [1, 1], "pads": [1, 1, 1, 1], "dilations": [1, 1], "group": 1}


def network(channels: int) -> tuple[gs.Graph, gs.Variable]:
    """An empty graph with a picture (n, channels, h, w)."""
    picture = gs.Variable("image", np.float32, ("n", channels, "h", "w"))
    return gs.Graph(inputs=[picture], opset=17), picture


def conv(graph: gs.Graph, name: str, tensor: gs.Variable, outputs: int, inputs: int, kernel: int = 3, relu: bool = True, **attrs: object):
    rng = np.random.default_rng(len(graph.nodes))
    weight = rng.normal(size=(outputs, inputs, kernel, kernel)).astype(np.float32)
    shaped = {**SQUARE, "pads": [kernel // 2] * 4, "kernel_shape": [kernel, kernel], **attrs}
    values = [tensor, weight, rng.normal(size=outputs).astype(np.float32)]
    made = graph.layer(op="Conv", name=name, inputs=values, outputs=[f"{name}:0"], attrs=shaped)[0]
    return graph.layer(op="Relu", name=f"{name}/relu", inputs=[made], outputs=[f"{name}/relu:0"])[0] if relu else made


def finished(graph: gs.Graph, *outputs: gs.Variable) -> gs.Graph:
    for each in outputs:
        each.dtype = np.float32
    graph.outputs = list(outputs)
    return inferred(graph)


def outputs(graph: gs.Graph, picture: np.ndarray) -> list[np.ndarray]:
    return list(Session(model_of(graph))(picture).values())


def same(before: gs.Graph, after: gs.Graph, *shapes: tuple[int, ...]) -> bool:
    """Whether two graphs make the same of random pictures, but for the order of sums."""
    rng = np.random.default_rng(0)
    pictures = [rng.random(shape, np.float32) for shape in shapes]
    pairs = ((a, b) for picture in pictures for a, b in zip(outputs(before, picture), outputs(after, picture), strict=True))
    return all(a.shape == b.shape and np.abs(a - b).max() <= 1e-5 * max(1, np.abs(a).max()) for a, b in pairs)


def names(graph: gs.Graph) -> set[str]:
    return {node.name for node in graph.nodes}
