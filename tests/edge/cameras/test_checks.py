from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from edge.cameras.checks import LiveChecks, malformed
from tests.edge.cameras.scenes import scene


@pytest.mark.parametrize(
    ("picture", "told"),
    [
        (None, "NoneType"),
        (np.zeros((0, 0, 3), np.uint8), "0x0"),
        (np.zeros((240, 320), np.uint8), r"\(240, 320\)"),
        (np.zeros((240, 320, 4), np.uint8), r"\(240, 320, 4\)"),
        (np.zeros((240, 320, 3), np.float32), "float32"),
        (np.zeros((8, 320, 3), np.uint8), "320x8"),
        (np.zeros((32816, 64, 3), np.uint8), "64x32816"),
    ],
)
def test_what_is_no_picture(picture: Any, told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        assert not malformed(picture), malformed(picture)
    assert LiveChecks(10).fault(picture, 0) == "broken"


def test_a_scene_is_good_and_so_is_a_dark_noisy_one() -> None:
    night = np.random.default_rng(0).normal(6, 2, (240, 320, 3)).clip(0, 255).astype(np.uint8)
    checks = LiveChecks(10)
    assert [checks.fault(scene(0), 0), checks.fault(night, 1)] == ["", ""]


@pytest.mark.parametrize("from_row", [0, 120])
def test_green_of_slices_that_never_came(from_row: int) -> None:
    i420 = cv2.cvtColor(scene(0), cv2.COLOR_BGR2YUV_I420)
    zeros = cv2.cvtColor(np.zeros_like(i420), cv2.COLOR_YUV2BGR_I420)
    picture = scene(0)
    picture[from_row:] = zeros[from_row:]
    assert LiveChecks(10).fault(picture, 0) == "green"


def test_a_green_meadow_is_no_green_picture() -> None:
    meadow = np.random.default_rng(0).normal((40, 140, 60), 12, (240, 320, 3)).clip(0, 255).astype(np.uint8)
    assert LiveChecks(10).fault(meadow, 0) == ""


@pytest.mark.parametrize("level", [0, 114, 255])
def test_one_flat_colour_is_dropped(level: int) -> None:
    assert LiveChecks(10).fault(np.full((240, 320, 3), level, np.uint8), 0) == "flat"


def test_frozen_after_its_time_and_well_again_with_one_other_pixel() -> None:
    checks = LiveChecks(frozen_s=10)
    faults = [checks.fault(scene(0).copy(), now_s) for now_s in (0, 5, 9.9, 10, 60)]
    changed = scene(0)
    changed[100, 100] ^= 1
    assert [*faults, checks.fault(changed, 61)] == ["", "", "", "frozen", "frozen", ""]


def test_zero_never_freezes() -> None:
    checks = LiveChecks(frozen_s=0)
    assert [checks.fault(scene(0), now_s) for now_s in (0, 1000)] == ["", ""]
