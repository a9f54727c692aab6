"""Read plates: a probability for every character at every position."""

from __future__ import annotations

from collections.abc import Sequence

from alpr import decode
from alpr.types import PlateCrop, Read
from edge.engines import Engine, batch


class Reader:
    """Crops → reads, in one batch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, crops: Sequence[PlateCrop]) -> list[Read]:
        if not crops:
            return []
        out = self._engine(batch(self._engine, [crop.bgr for crop in crops], self._engine.contract.input.size_px))
        rows = zip(out["probabilities"], out["two_lines"], crops, strict=True)
        return [decode.read(lattice, float(two_lines), crop.enhanced) for lattice, two_lines, crop in rows]
