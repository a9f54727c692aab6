"""Is this a picture? What decoders hand on in trouble: nothing, zeros that turn green, one flat colour, or the same for ever."""

from __future__ import annotations

from typing import Any

import numpy as np

from alpr.types import U8

GRID_PX = 16
FLAT_LEVELS = 2
"""A sensor's noise alone spreads a picture wider than this, at night too: what is flatter holds no plate."""
GREEN_SHARE = 0.25
FEWEST_PX, MOST_PX = 16, (1 << 15) - 1
"""A side. OpenCV's warps take no longer one, and no camera gives it: a JPEG's height with one byte damaged became 32,816 rows."""


def malformed(bgr: Any) -> str:
    """What keeps an array from being a picture at all, in words; "" for a picture, (h, w, 3) uint8."""
    if not isinstance(bgr, np.ndarray):
        return f"expected an array, found {type(bgr).__name__}"
    if bgr.dtype != np.uint8 or bgr.ndim != 3 or bgr.shape[2] != 3:
        return f"expected (h, w, 3) uint8, found {bgr.shape} {bgr.dtype}"
    if min(bgr.shape[:2]) < FEWEST_PX or max(bgr.shape[:2]) > MOST_PX:
        return f"expected {FEWEST_PX} to {MOST_PX} px a side, found {bgr.shape[1]}x{bgr.shape[0]}"
    return ""


class LiveChecks:
    """Why a live picture must be dropped. Remembers the picture before, across reopenings: a frozen camera stays frozen."""

    def __init__(self, frozen_s: float) -> None:
        self._frozen_s = frozen_s
        self._last: U8 | None = None
        self._changed_s = 0.0

    def fault(self, bgr: U8, now_s: float) -> str:
        """The cause of a drop, "broken" | "green" | "flat" | "frozen", or "" for a good picture."""
        if malformed(bgr):
            return "broken"
        grid = bgr[GRID_PX // 2 :: GRID_PX, GRID_PX // 2 :: GRID_PX].reshape(-1, 3)
        if _green(grid):
            return "green"
        if (np.ptp(grid, axis=0) <= FLAT_LEVELS).all():
            return "flat"
        return "frozen" if self._frozen(bgr, now_s) else ""

    def _frozen(self, bgr: U8, now_s: float) -> bool:
        if self._last is None or not np.array_equal(bgr, self._last):
            self._last, self._changed_s = bgr, now_s
        return 0 < self._frozen_s <= now_s - self._changed_s


def _green(grid: U8) -> bool:
    """Whether a good part of the picture is YUV (0, 0, 0): slices that never came. cv2 makes it (0, 154, 0), swscale (0, 135, 0)."""
    blue, green, red = grid[:, 0], grid[:, 1], grid[:, 2]
    return bool(((blue <= 8) & (red <= 8) & (green >= 128) & (green <= 160)).mean() >= GREEN_SHARE)
