"""Where `alpr.imaging.rectify` finds the pixels of a straightened plate, without making it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from alpr.imaging import check_quad, quad_size
from alpr.types import F32


@dataclass(frozen=True, slots=True, eq=False)
class Rectification:
    """The straightened plate's size, and the way from its pixels to the picture's."""

    warp: F32  # (3, 3): (x, y, 1) of the plate → the picture, both counted at pixel centres
    size_px: tuple[int, int]  # (h, w)


def rectification(quad: F32, picture_hw: tuple[int, ...], margin: float = 0.08) -> Rectification:
    """The cut that `rectify` makes. Raises ValueError for a quad that is no plate, as it does.

    Its geometry once more, because rectify returns pixels only; tests/edge/cuda holds the two together.
    """
    check_quad(quad, picture_hw)
    height, width = quad_size(quad)
    size_px = max(8, round(height * (1 + 2 * margin))), max(8, round(width * (1 + 2 * margin)))
    inset_y, inset_x = (side * margin / (1 + 2 * margin) for side in size_px)
    left, top, right, bottom = inset_x, inset_y, size_px[1] - inset_x, size_px[0] - inset_y
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    # inverted after the fact, as warpPerspective does it: float32 then rounds the same way
    warp = np.linalg.inv(cv2.getPerspectiveTransform(quad.astype(np.float32) - 0.5, corners - 0.5))
    return Rectification(warp.astype(np.float32), size_px)
