"""Find a plate's corners at its own scale: a detector's are as coarse as its cells, and what it cuts off or leans over is misread."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alpr.decode import ious
from alpr.imaging import check_quad, surroundings
from alpr.types import F32, U8
from edge.engines import Engine, batch

LEAST_OVERLAP = 0.4
"""Of the boxes around the corners before and after: with less it is another plate that was found, or none."""

Refine = Callable[[U8, F32], F32]
"""A picture and a plate's quad (4, 2) in it → the quad to straighten it by. Raises ValueError for a quad that is no plate."""


def as_found(bgr: U8, quad: F32) -> F32:
    """Where there is no model for it: the detector's corners."""
    return quad


class Corners:
    """The corner model as a `Refine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, bgr: U8, quad: F32) -> F32:
        piece, place = surroundings(bgr, quad)
        shares = self._engine(batch(self._engine, [piece], self._engine.contract.input.size_px))["corners"]
        found = place.to_picture(np.asarray(shares, np.float32).reshape(4, 2))
        return found if _same_plate(found, quad, bgr.shape[:2]) else quad


def _same_plate(found: F32, quad: F32, picture_hw: tuple[int, ...]) -> bool:
    try:
        check_quad(found, picture_hw)
    except ValueError:
        return False
    around = [np.concatenate([each.min(axis=0), each.max(axis=0)]) for each in (found, quad)]
    return float(ious(around[0], around[1][None])[0]) >= LEAST_OVERLAP
