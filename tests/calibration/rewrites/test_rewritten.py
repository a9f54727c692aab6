"""All rewrites on networks of the three kinds."""

from __future__ import annotations

import pytest

from alpr.contract import Contract
from calibration import graph as graphs
from calibration.rewrites import rewritten
from tests.calibration.networks import NAMES
from tests.calibration.rewrites.running import names, same

SIZES = {"detection": ((1, 3, 96, 160), (2, 3, 32, 64)), "sr": ((1, 3, 32, 192), (2, 3, 64, 96)), "ocr": ((1, 3, 64, 128), (3, 3, 64, 128))}
MADE = {"detection": {"wide", "fine", "coarse", "product"}, "sr": {"strided"}, "ocr": set()}


@pytest.mark.parametrize("kind", NAMES)
def test_it_makes_the_same_on_every_canvas(kind: str, models: dict[str, Contract]) -> None:
    before = graphs.load(models[kind].path)
    listed = names(before)
    layers = graphs.candidates(before, kind)
    after, int8 = rewritten(before, layers)
    assert same(before, after, *SIZES[kind])
    assert names(before) == listed, "the graph that was given is not touched"
    assert {name.rsplit("/", 1)[1] for name in set(int8) - set(layers)} == MADE[kind]
    assert len(after.nodes) < len(before.nodes) or kind == "detection"
