"""Sides that a Reshape keeps: a 0 says so, where an exporter reads the shape, cuts it, and puts it together again at every run.

Shapes are inferred anew after that, and what is arithmetic of known sides alone becomes a constant.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

from calibration import graph as graphs
from calibration.rewrites.layers import maker


def settled(graph: gs.Graph) -> gs.Graph:
    """A copy without such arithmetic, as far as it can be seen through; one Reshape settled shows the next one's sides."""
    graph = graphs.inferred(graph)
    while [node for node in graph.nodes if node.op == "Reshape" and _settle(node)]:
        graph = graphs.inferred(graphs.inferred(graph).fold_constants())
    return graph


def _settle(reshape: gs.Node) -> bool:
    """Write a Reshape's sides down where all that is read for them is its own input's first sides."""
    tensor, sides = reshape.inputs[0], maker(reshape.inputs[1])
    if sides is None or sides.op != "Concat":
        return False
    parts = [_kept(part, tensor) for part in sides.inputs]
    if any(part is None for part in parts) or any(0 in part for part in parts[1:]):
        return False
    reshape.inputs[1] = gs.Constant(f"{reshape.name}/sides", np.array([side for part in parts for side in part], np.int64))
    return True


def _kept(part: gs.Tensor, tensor: gs.Tensor) -> list[int] | None:
    """A part of a shape in the words of Reshape: constants as they are, `tensor`'s first sides as zeros; None for anything else."""
    if isinstance(part, gs.Constant):
        return [int(side) for side in part.values]
    cut = maker(part)
    if cut is None or cut.op != "Slice" or any(not isinstance(bound, gs.Constant) for bound in cut.inputs[1:]):
        return None
    shape = maker(cut.inputs[0])
    if shape is None or shape.op != "Shape" or shape.inputs[0] is not tensor or tensor.shape is None:
        return None
    first, last = (int(bound.values[0]) for bound in cut.inputs[1:3])
    taken = range(len(tensor.shape))[first:last]
    return [0] * len(taken) if taken == range(len(taken)) else None
