"""Pictures of the tests' own making."""

from __future__ import annotations

import numpy as np

from alpr.types import U8


def scene(number: int, width: int = 320, height: int = 240) -> U8:
    """A picture that no other number has: a gradient with a bright square that moves."""
    bgr = np.zeros((height, width, 3), np.uint8)
    bgr[..., 0] = np.linspace(20, 220, width, dtype=np.uint8)
    bgr[..., 1] = np.linspace(20, 220, height, dtype=np.uint8)[:, None]
    left = 7 * number % (width - 40)
    bgr[20:60, left : left + 40] = (30, 30, 240)
    return bgr
