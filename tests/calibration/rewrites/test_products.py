"""The last convolutions as products of integers that give floats."""

from __future__ import annotations

from calibration import graph as graphs
from calibration.rewrites import products
from tests.calibration.rewrites.running import conv, finished, names, network, same


def test_only_the_last_after_an_int8_layer_is_rewritten() -> None:
    graph, picture = network(3)
    inner = conv(graph, "inner", picture, 16, 3)
    middle = conv(graph, "middle", inner, 16, 16, kernel=1)
    before = finished(graph, conv(graph, "last", middle, 5, 16, kernel=1, relu=False), conv(graph, "wide", middle, 5, 16, relu=False))
    after = before.copy()
    assert products.rewrite(after, {"inner", "middle"}) == {"last/product"}
    after = graphs.inferred(after)
    assert same(before, after, (1, 3, 8, 6), (2, 3, 5, 7)) and {"inner", "middle", "wide"} <= names(after)
    untouched = before.copy()
    assert products.rewrite(untouched, {"inner"}) == set(), "its input is float"
