"""Lamps that shine into the lens, and what their light does to the road."""

from __future__ import annotations

import numpy as np

from alpr.types import F32


def lamp_glow(picture: F32, centre: F32, radius_px: float, tone: F32) -> None:
    """Add a lamp's bloom: a hot core, a halo and a faint streak, in place."""
    reach = int(max(4, 6 * radius_px))
    x1, y1 = np.maximum(np.floor(centre).astype(int) - reach, 0)
    x2, y2 = np.minimum(np.floor(centre).astype(int) + reach, picture.shape[1::-1])
    if x2 <= x1 or y2 <= y1:
        return
    x = (np.arange(x1, x2, dtype=np.float32) - centre[0])[None, :] / radius_px
    y = (np.arange(y1, y2, dtype=np.float32) - centre[1])[:, None] / radius_px
    square = x**2 + y**2
    bloom = 6 * np.exp(-square * 1.5) + 0.35 * np.exp(-square / 5) + 0.12 * np.exp(-(y**2) * 8) * np.exp(-np.abs(x) / 2.5)
    fade = np.clip(1.2 - np.sqrt(square) / 5, 0, 1)
    picture[y1:y2, x1:x2] += (bloom * fade)[..., None] * tone
