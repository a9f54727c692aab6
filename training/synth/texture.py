"""Noise that things are made of, and the linear light they are drawn in."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.types import F32, U8

Rng = np.random.Generator
GAMMA = 2.2


def noise(rng: Rng, height: int, width: int, cell_px: float = 32.0, octaves: int = 4, gain: float = 0.55) -> F32:
    """(h, w) fractal noise of zero mean and about unit deviation; `cell_px` is its coarsest grain."""
    out = np.zeros((height, width), np.float32)
    weight, total = 1.0, 0.0
    for _ in range(octaves):
        grid = (max(2, round(height / cell_px) + 1), max(2, round(width / cell_px) + 1))
        layer = cv2.resize(rng.standard_normal(grid, np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        out += np.float32(weight) * layer
        total += weight**2
        weight, cell_px = weight * gain, cell_px / 2
        if cell_px < 1:
            break
    return out / np.float32(np.sqrt(total) * 0.75)


def linear(bgr: U8) -> F32:
    """Display bytes → linear light 0..1."""
    table = (np.arange(256, dtype=np.float32) / 255) ** GAMMA
    return cv2.LUT(bgr, table)  # type: ignore[return-value]


def colour(*bgr: float) -> F32:
    """A display colour 0..255 as linear light."""
    return (np.float32(bgr) / 255) ** np.float32(GAMMA)


def display(light: F32, exposure: float = 1.0, shoulder: float = 0.8) -> U8:
    """Linear light → display bytes: straight up to `shoulder` of the display's range, softly clipped above as a camera does."""
    scaled = cv2.pow(np.maximum(light, 0) * np.float32(exposure), 1 / GAMMA)
    over = np.maximum(scaled - np.float32(shoulder), 0)
    soft = np.minimum(scaled, shoulder) + np.float32(1 - shoulder) * (1 - np.exp(-over / np.float32(1.5 * (1 - shoulder))))
    return (soft * 255 + 0.5).astype(np.uint8)
