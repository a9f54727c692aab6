"""Columns side by side: the same convolution, with wider and fewer pixels."""

from __future__ import annotations

import onnx_graphsurgeon as gs
import pytest

from calibration import graph as graphs
from calibration.rewrites import columns
from tests.calibration.rewrites.running import conv, finished, names, network, same

CANVASES = ((1, 3, 32, 32), (2, 3, 64, 96))


def stem(first: int, second: int, **attrs: object) -> gs.Graph:
    graph, picture = network(3)
    x = conv(graph, "first", picture, first, 3, strides=[2, 2], **attrs)
    return finished(graph, conv(graph, "third", conv(graph, "second", x, second, first, strides=[2, 2]), 32, second))


@pytest.mark.parametrize(("first", "second", "widths"), [(8, 24, [64, 48]), (16, 32, [64]), (4, 8, [32, 64])])
def test_narrow_convolutions_become_wide_and_make_the_same(first: int, second: int, widths: list[int]) -> None:
    before = stem(first, second)
    after = before.copy()
    made = columns.rewrite(after, set())
    after = graphs.inferred(after)
    assert same(before, after, *CANVASES)
    assert [len(node.inputs[1].values) for node in after.nodes if node.name in made] == widths
    assert not [node.name for node in graphs.weighted(after) if graphs.narrow(node) and node.name in made and len(widths) > 1]


def test_others_stay_as_they_are() -> None:
    for before in (stem(16, 16, dilations=[2, 2], pads=[2, 2, 2, 2]), stem(64, 32, group=1, pads=[0, 0, 1, 1])):
        after = before.copy()
        assert columns.rewrite(after, set()) == set() and names(after) == names(before)
