"""The frozen degraded set: the same seed and severity give the same bytes everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from alpr.types import U8, PlateCrop

SEED = 20_261
SHARE = 0.27
"""What a reader of clean plates is to read of it as it is: where the work that this project starts from stood (26.86 %)."""
LINES_PX = (14, 44)
"""Heights of one line of text, before anything is degraded."""
Reader = Callable[[Sequence[PlateCrop]], list[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Poor:
    """One degraded plate with its truth."""

    crop: PlateCrop
    text: str
    country: str
    line_px: float
    effects: tuple[str, ...]


def hardness(reader: Reader, count: int) -> float:
    """The severity at which a reader reads SHARE of the plates, by bisection on the first `count` of them."""
    low, high = 0.0, 4.0
    for _ in range(7):
        middle = (low + high) / 2
        plates = list(frozen(middle, count))
        right = np.mean([text == plate.text for text, plate in zip(reader([p.crop for p in plates]), plates, strict=True)])
        low, high = (middle, high) if right > SHARE else (low, middle)
    return (low + high) / 2


def frozen(severity: float, count: int) -> Iterator[Poor]:
    """The set at a severity: plates of every country at every height, rectified, each with its own recipe."""
    from training.degradation import hybrid
    from training.synth import glyphs, plates, views

    faces = glyphs.faces(np.random.default_rng(SEED), strokes=40)
    for i in range(count):
        rng = np.random.default_rng([SEED, i])
        line_px = float(rng.uniform(*LINES_PX))
        plate = plates.render_plate(rng, faces, line_px=round(line_px))
        seen = views.view(rng, plate.bgr, views.RECTIFIED)
        recipe = hybrid.recipe(rng, line_px, severity * rng.uniform(0.5, 1.0))
        bgr: U8 = hybrid.replay(seen.bgr, recipe)
        height = float(plate.bgr.shape[0])
        names = tuple(sorted({step.effect for step in recipe}))
        yield Poor(PlateCrop(bgr, seen.quad, height, i, 0), plate.text, plate.country, height / plate.lines, names)
