"""What hangs or falls between the lens and the plate."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.types import U8
from training.degradation.effects.optics import motion_kernel
from training.degradation.effects.pixels import Rng, display, linear, veiled


def rain(bgr: U8, rng: Rng, streaks: float, length_px: float, angle_deg: float, opacity: float = 0.5, width_px: float = 0.6) -> U8:
    """Drops that fall during the exposure: bright streaks, `streaks` of them per 1,000 pixels, 90 degrees is straight down.

    A falling drop sends light of a wide field to the lens, so that it looks brighter than what is behind (Garg & Nayar, IJCV 2007).
    """
    drops = (rng.random(bgr.shape[:2]) < streaks / 1000) * rng.uniform(0.3, 1, bgr.shape[:2])
    streak = cv2.GaussianBlur(motion_kernel(length_px, angle_deg), (0, 0), max(width_px, 0.1), borderType=cv2.BORDER_CONSTANT)
    layer = cv2.filter2D(drops.astype(np.float32), -1, streak / streak.max(), borderType=cv2.BORDER_CONSTANT)
    return veiled(bgr, np.float32(opacity) * np.clip(layer, 0, 1), (255, 255, 255))


def fog(bgr: U8, distance_m: float, visibility_m: float, airlight: tuple[float, float, float] = (200, 200, 200)) -> U8:
    """Koschmieder's veil, in linear light: the plate's light fades as exp(-3.912 distance / visibility), the fog's own (BGR) replaces it.

    At the visibility, by definition, a fiftieth of the contrast is left.
    """
    left = np.float32(np.exp(-3.912 * distance_m / visibility_m))
    veil = linear(np.uint8([airlight]))
    return display(left * linear(bgr) + (1 - left) * veil)
