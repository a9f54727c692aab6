"""The values that cross borders."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from alpr.types import ALPHABET, Detections
from tests.alpr.lattices import read


def test_the_alphabet_is_digits_then_letters() -> None:
    assert ALPHABET == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" and len(ALPHABET) == 36


def test_detections_are_selected_by_index_and_by_mask_in_order() -> None:
    found = Detections(np.arange(12, dtype=np.float32).reshape(3, 4), np.float32([0.9, 0.5, 0.1]), np.zeros((3, 4, 2), np.float32))
    assert found.select(np.array([2, 0])).scores.tolist() == pytest.approx([0.1, 0.9])
    masked = found.select(np.array([True, False, True]))
    assert masked.boxes[:, 0].tolist() == [0, 8] and len(masked) == 2


def test_no_detections_have_the_shapes_of_many() -> None:
    nothing = Detections.none()
    assert len(nothing) == 0 and nothing.boxes.shape == (0, 4) and nothing.quads.shape == (0, 4, 2)


def test_a_read_is_as_sure_as_its_weakest_character() -> None:
    assert read("51F73420", 0.9, doubts={3: {"1": 0.3}}).score == pytest.approx(0.6, abs=2e-3)
    assert read("").score == 0


def test_what_crosses_a_border_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        read("A").text = "B"  # type: ignore[misc]
