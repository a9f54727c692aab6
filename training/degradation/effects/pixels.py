"""What the effects share: rounding to bytes, display values ↔ linear light, places in a picture, smooth noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from alpr.types import F32, U8

Rng = np.random.Generator
GAMMA = 2.2


def bytes_of(values: F32) -> U8:
    """Values on 0..255, rounded and clipped."""
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)


def linear(bgr: U8, gamma: float = GAMMA) -> F32:
    """Display bytes → linear light 0..1."""
    return ((np.arange(256, dtype=np.float32) / 255) ** gamma)[bgr]  # type: ignore[no-any-return]


def display(light: F32, gamma: float = GAMMA) -> U8:
    """Linear light → display bytes, clipped at 1."""
    return bytes_of(255 * np.clip(light, 0, 1) ** np.float32(1 / gamma))


def places(bgr: U8, centre: tuple[float, float]) -> tuple[F32, F32]:
    """x and y of every pixel from a centre, both per picture height, so that a circle is round; the centre is per picture size."""
    height, width = bgr.shape[:2]
    x = (np.arange(width, dtype=np.float32) - np.float32(centre[0] * width)) / height
    y = (np.arange(height, dtype=np.float32) - np.float32(centre[1] * height)) / height
    return np.broadcast_to(x[None, :], (height, width)), np.broadcast_to(y[:, None], (height, width))


def smooth_noise(rng: Rng, size: tuple[int, int], cell_px: float) -> F32:
    """Noise (h, w) of about unit deviation, whose bumps are some `cell_px` wide."""
    cells = [max(2, round(side / max(cell_px, 1)) + 1) for side in size]
    coarse = rng.standard_normal(cells, np.float32)
    return cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def veiled(bgr: U8, alpha: F32, colour: NDArray[np.floating] | tuple[float, float, float]) -> U8:
    """A colour laid over a picture with an opacity (h, w) of 0..1."""
    under = bgr.astype(np.float32)
    return bytes_of(under + alpha[..., None] * (np.float32(colour) - under))
