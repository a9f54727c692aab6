"""The same numbers out of layers that onnxruntime's integer kernels are quick in: for the CPU's file alone, no other is rewritten.

What a kernel spends beside its products decides there: on finding a pixel's neighbours, on layers of a dozen channels, on copying.
Each rewrite is exact but for the order of sums, and leaves a graph that has not its pattern as it was.
"""

from __future__ import annotations

from collections.abc import Iterable

import onnx_graphsurgeon as gs

from calibration import graph as graphs
from calibration.rewrites import columns, products, pyramid, unshuffle
from calibration.rewrites.sides import settled


def rewritten(graph: gs.Graph, int8: Iterable[str]) -> tuple[gs.Graph, tuple[str, ...]]:
    """A rewritten copy, and which of its layers are INT8: those of `int8` that are left, and those made for it."""
    graph = settled(graph)
    names = set(int8)
    for rewrite in (unshuffle.rewrite, columns.rewrite, pyramid.rewrite, products.rewrite):
        names |= rewrite(graph, names)
    graph = graphs.inferred(graph)
    return graph, tuple(node.name for node in graphs.weighted(graph) if node.name in names)
