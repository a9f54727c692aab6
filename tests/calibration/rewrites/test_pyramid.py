"""A convolution over a map and an enlarged one: as the sum of two."""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs

from calibration import graph as graphs
from calibration.rewrites import pyramid
from tests.calibration.rewrites.running import conv, finished, names, network, same

TWICE = np.array([1, 1, 2, 2], np.float32)


def top_down(scales: np.ndarray = TWICE, kernel: int = 1) -> gs.Graph:
    graph, picture = network(4)
    coarse = conv(graph, "coarse", picture, 8, 4, strides=[2, 2])
    large = graph.layer(op="Resize", name="enlarge", inputs=[coarse, np.zeros(0, np.float32), scales], outputs=["large"], attrs=NEAREST)[0]
    beside = graph.layer(op="Concat", name="beside", inputs=[picture, large], outputs=["both"], attrs={"axis": 1})[0]
    return finished(graph, conv(graph, "merge", beside, 16, 12, kernel))


NEAREST = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}


def test_the_coarse_part_is_computed_before_it_is_enlarged() -> None:
    before = top_down()
    after = before.copy()
    assert pyramid.rewrite(after, {"merge"}) == {"merge/fine", "merge/coarse"}
    after = graphs.inferred(after)
    assert same(before, after, (1, 4, 8, 6), (3, 4, 32, 64))
    assert not {"enlarge", "beside", "merge"} & names(after)


def test_what_is_float_or_of_another_kind_stays() -> None:
    for before, int8 in ((top_down(), set()), (top_down(kernel=3), {"merge"})):
        after = before.copy()
        assert pyramid.rewrite(after, int8) == set() and names(after) == names(before)
