"""A plate that stands far away: fewer pixels first, then whatever spoils a picture at that size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from alpr.types import U8
from training.degradation import hybrid

Rng = np.random.Generator
Draw = Callable[[Rng, float, float], hybrid.Recipe]


@dataclass(frozen=True, slots=True)
class Far:
    """For most of the plates that are hard on a road, pixels are all that is missing."""

    share: float = 0.35  # of all plates
    line_px: tuple[float, float] = (6.0, 24.0)  # heights that a line of theirs has there, drawn by their logarithm
    mildness: float = 0.6  # how much of the severity they get


def spoilt(rng: Rng, bgr: U8, line_px: float, severity: float, far: Far, draw: Draw = hybrid.recipe) -> U8:
    """A view of a plate, its lines `line_px` high, through a recipe: as it stands, or from afar, with fewer pixels: noise and blocks are
    as large there as strokes."""
    if rng.random() >= far.share:
        return hybrid.replay(bgr, draw(rng, line_px, severity))
    left_px = float(np.exp(rng.uniform(*np.log(far.line_px))))
    size = np.maximum(np.round(np.array(bgr.shape[1::-1]) * min(1.0, left_px / line_px)), 4).astype(int).tolist()
    small: U8 = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return hybrid.replay(small, draw(rng, left_px, far.mildness * severity))
