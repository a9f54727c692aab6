"""Sharpen plates with LPSR. What comes out is a guess at the plate, marked as enhanced, beside its source and never instead of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from alpr.imaging import ONE_LINE_PX, TWO_LINE_PX, enhancer_canvas, picture_from_tensor
from alpr.types import PlateCrop
from edge.engines import Engine, batch


class Enhancer:
    """Crops → the same plates at 192x32 (one line) or 96x64 (two lines), enhanced."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, crops: Sequence[PlateCrop]) -> list[PlateCrop]:
        """One batch a canvas; the order of the crops is kept."""
        enhanced: list[PlateCrop | None] = [None] * len(crops)
        canvases = [enhancer_canvas(crop.bgr) for crop in crops]
        for size in (ONE_LINE_PX, TWO_LINE_PX):
            rows = [i for i, canvas in enumerate(canvases) if canvas == size]
            if not rows:
                continue
            pictures = self._engine(batch(self._engine, [crops[i].bgr for i in rows], size))["enhanced"]
            for i, picture in zip(rows, np.asarray(pictures), strict=True):
                enhanced[i] = replace(crops[i], bgr=picture_from_tensor(picture), enhanced=True)
        return [crop for crop in enhanced if crop is not None]
