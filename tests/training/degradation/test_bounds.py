"""Every parameter of every effect has its bounds: what is drawn lies within, and what lies without is refused before it is replayed."""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np
import pytest

from training.degradation import effects, hybrid, steps
from training.degradation.bounds import BOUNDS

SWITCHES = {"gray", "deblock"}


def test_each_parameter_of_each_effect_has_bounds() -> None:
    named = {name for effect in effects.__all__ for name in list(inspect.signature(getattr(effects, effect)).parameters)[1:]}
    assert named - SWITCHES - {"rng", "kernel", "block_px"} == set(BOUNDS)


def test_what_is_drawn_is_within_them() -> None:
    """Plates far smaller and far larger than any set has, on roads worse than any."""
    for seed in range(400):
        rng = np.random.default_rng(seed)
        line_px = float(rng.uniform(4, 120))
        drawn = (*hybrid.recipe(rng, line_px, float(rng.uniform(0, 1.6))), steps.slant(rng, line_px, 1.2))
        assert hybrid.load(json.loads(json.dumps(hybrid.save(drawn)))) == drawn


@pytest.mark.parametrize(
    ("effect", "parameters", "says"),
    [
        ("defocus", {"radius_px": 1e8}, "radius_px must be a number from 0 to 512, got 100000000.0"),
        ("defocus", {"radius_px": -1}, "from 0 to 512, got -1"),
        ("defocus", {"radius_px": []}, "got a list of 0"),
        ("defocus", {"radius_px": 10**400}, "from 0 to 512"),
        ("exposure", {"gain": 1, "offset": 0, "gamma": 0}, "gamma must be a number from 0.1 to 10"),
        ("low_resolution", {"factor": 0.5, "down": False, "up": 1}, "down must be a whole number from 0 to 4, got False"),
        ("occlusion", {"box": [0, 0, 1], "colour": [0, 0, 0]}, "box must be 4 numbers, got a list of 3"),
        ("occlusion", {"box": [0, 0, 1, float("nan")], "colour": [0, 0, 0]}, "from -10 to 10, got nan"),
        ("kernel_blur", {"kernel": [[1, 0], [0, 1]]}, "odd number of weights"),
        ("kernel_blur", {"kernel": [[0.5, 0.5, 0], [1]]}, "odd number of weights"),
        ("kernel_blur", {"kernel": [[0]]}, "odd number of weights"),
        ("blocking", {"qp": 20, "block_px": 3}, "one of (4, 8, 16), got 3"),
        ("blocking", {"qp": 773}, "from 0 to 51"),
    ],
)
def test_what_would_end_the_replay_is_refused_when_it_is_read(effect: str, parameters: dict[str, Any], says: str) -> None:
    """A recipe with names alone right was taken, and its replay asked for 36 GB, divided by zero, or died in OpenCV."""
    with pytest.raises(ValueError) as caught:
        hybrid.load([{"effect": effect, "parameters": parameters}])
    assert f"step 1: {effect}'s " in str(caught.value) and says in str(caught.value)


def test_a_seed_is_one_that_a_generator_takes() -> None:
    for seed in (-1, True, 1 << 70, "7", 1.5):
        with pytest.raises(ValueError, match="needs a whole number as its seed"):
            hybrid.load([{"effect": "sensor_noise", "parameters": {"shot": 1, "read": 1}, "seed": seed}])
