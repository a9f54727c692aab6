"""The plate itself: dirt on it, things before it, its stance."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.types import U8
from training.degradation.effects.pixels import Rng, smooth_noise, veiled


def occlusion(bgr: U8, box: tuple[float, float, float, float], colour: tuple[float, float, float]) -> U8:
    """Something in front: a filled box, xyxy per picture size."""
    height, width = bgr.shape[:2]
    out = bgr.copy()
    x1, y1, x2, y2 = (round(v * s) for v, s in zip(box, (width, height, width, height), strict=True))
    cv2.rectangle(out, (x1, y1), (x2, y2), colour, -1)
    return out


def dirt(
    bgr: U8, rng: Rng, spots: int, radius_px: float, opacity: float, dust: float = 0.0, colour: tuple[float, float, float] = (60, 80, 100)
) -> U8:
    """Mud and dust of one colour (BGR): `spots` ragged splashes of about `radius_px`, and a film of `dust` (0..1) that lies unevenly."""
    height, width = bgr.shape[:2]
    splash = np.zeros((height, width), np.float32)
    for _ in range(spots):
        centre = (rng.uniform(0, 1, 2) * (width, height) * 16).astype(int).tolist()
        radius = round(16 * radius_px * rng.uniform(0.4, 1.4))
        cv2.circle(splash, centre, radius, float(rng.uniform(0.6, 1)), -1, cv2.LINE_AA, shift=4)
    ragged = np.clip(cv2.GaussianBlur(splash, (0, 0), max(0.3 * radius_px, 0.4)) * (1 + 0.5 * smooth_noise(rng, (height, width), 2)), 0, 1)
    film = np.clip(1 + 0.5 * smooth_noise(rng, (height, width), max(height / 4, 2)), 0, 2)
    return veiled(bgr, np.clip(opacity * ragged + dust * film, 0, 1).astype(np.float32), colour)


def slant(bgr: U8, shear_x: float = 0.0, shear_y: float = 0.0, squeeze_x: float = 0.0, squeeze_y: float = 0.0) -> U8:
    """Seen from the side, in the same frame, edges replicated: x moves by `shear_x` of y and y by `shear_y` of x from the middle;
    `squeeze_x` is how much shorter the right edge is than the left, `squeeze_y` the lower than the upper."""
    height, width = bgr.shape[:2]
    unit = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64) / 2
    x, y = unit[:, 0], unit[:, 1]
    moved = np.stack(
        [x * (1 - squeeze_y * (y + 0.5)) + shear_x * y * height / width, y * (1 - squeeze_x * (x + 0.5)) + shear_y * x * width / height], 1
    )
    corners, seen = (np.float32((points + 0.5) * (width, height) - 0.5) for points in (unit, moved))
    warp = cv2.getPerspectiveTransform(corners, seen)
    return cv2.warpPerspective(bgr, warp, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]
