"""Find the plates of a frame."""

from __future__ import annotations

from collections.abc import Sequence

from alpr import decode
from alpr.imaging import detector_canvas, letterbox
from alpr.types import U8, Detections
from edge.engines import Engine, batch


class Detector:
    """A picture → its plates, by one run of the detection model."""

    most = 1
    """How many pictures take about as long as one, and are worth being found together."""

    def __init__(self, engine: Engine, threshold: float, longest_px: int | None = None) -> None:
        """`longest_px`: what the picture's longer side is scaled to; the contract's size where it is not given."""
        self._engine, self._threshold = engine, threshold
        self._longest_px = longest_px or max(engine.contract.input.size_px)

    def canvas(self, height: int, width: int) -> tuple[int, int]:
        """The (h, w) canvas that a picture is fitted onto."""
        return detector_canvas(height, width, self._longest_px, self._engine.contract.input.multiple_px)

    def __call__(self, bgr: U8) -> Detections:
        height, width = bgr.shape[:2]
        size = self.canvas(height, width)
        canvas, fit = letterbox(bgr, size)
        out = self._engine(batch(self._engine, [canvas], size))
        return decode.detections(out["scores"][0], out["boxes"][0], out["quads"][0], fit, (height, width), self._threshold)

    def all(self, pictures: Sequence[U8]) -> list[Detections]:
        """The plates of several pictures, in their order."""
        return [self(bgr) for bgr in pictures]
