"""Plates that stand far away have fewer pixels, and nothing is done to the others that a recipe does not do."""

from __future__ import annotations

import numpy as np

from training.degradation import hybrid
from training.degradation.distance import Far, spoilt

PLATE = np.random.default_rng(1).integers(0, 256, (40, 160, 3), np.uint8)


def test_a_far_plate_has_lines_of_the_wanted_height() -> None:
    heights = [spoilt(np.random.default_rng(i), PLATE, 40.0, 0.5, Far(1.0, (8.0, 16.0))).shape[0] for i in range(60)]
    assert 8 <= min(heights) < 10 and 14 < max(heights) <= 16


def test_none_is_made_larger_than_it_is() -> None:
    assert spoilt(np.random.default_rng(3), PLATE, 10.0, 0.0, Far(1.0, (20.0, 24.0))).shape == PLATE.shape


def test_near_plates_get_the_recipe_that_the_same_draw_gives() -> None:
    rng = np.random.default_rng(7)
    rng.random()  # which of both it is
    assert np.array_equal(spoilt(np.random.default_rng(7), PLATE, 40.0, 0.8, Far(0.0)), hybrid.replay(PLATE, hybrid.recipe(rng, 40.0, 0.8)))


def test_far_ones_are_spoilt_less_severely() -> None:
    asked = []

    def draw(rng: np.random.Generator, line_px: float, severity: float) -> hybrid.Recipe:
        asked.append((line_px, severity))
        return ()

    spoilt(np.random.default_rng(2), PLATE, 40.0, 1.0, Far(1.0, (9.0, 9.0001), 0.6), draw)
    ((line_px, severity),) = asked
    assert abs(line_px - 9) < 0.01 and severity == 0.6
