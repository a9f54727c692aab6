"""Read single pictures with the daemon's own stages: what `tools.bench accuracy` measures and what a folder of stills gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpr.imaging import check_quad, quad_from_box, quad_size, rectify
from alpr.syntax import Grammar
from alpr.types import F32, U8, Detections, PlateCrop, Read, Vote
from alpr.vote import vote
from edge.corners import Refine, as_found
from edge.detector import Detector
from edge.enhancer import Enhancer
from edge.gate import Action, Gate, line_px, weight
from edge.loop import Loop
from edge.reader import Reader

CROP_SCORE = 0.25
"""In a crop there is a plate for certain: a find of this score says where in it, otherwise it is all of the crop."""
CROP_SHARE = 0.2
"""… if it takes at least this share of the crop's width; smaller finds are stickers and bolts."""
MARGINS = (0.08, 0.03, 0.15)
"""How much is kept around a plate: a still has no second frame, so it is looked at in several cuts, which vote."""


@dataclass(frozen=True, slots=True, eq=False)
class StillPlate:
    """A plate of a still picture and what was read."""

    box: F32  # (4,)
    quad: F32  # (4, 2)
    score: float  # the detector's; 1 where the crop itself was taken
    height_px: float
    vote: Vote
    reads: tuple[Read, ...]


@dataclass(slots=True)
class Stills:
    """Detector, gate, LPSR, reader and vote on one picture at a time."""

    detector: Detector
    enhancer: Enhancer
    reader: Reader
    gate: Gate
    grammar: Grammar
    corners: Refine = as_found

    @classmethod
    def of(cls, loop: Loop) -> Stills:
        """The daemon's own stages."""
        return cls(loop.detector, loop.enhancer, loop.reader, loop.gate, loop.judge.grammar, loop.corners)

    def scene(self, bgr: U8) -> list[StillPlate]:
        """All plates of a picture, best find first."""
        found = self.detector(bgr)
        return [self._read(bgr, found, i, ()) for i in range(len(found))]

    def crop(self, bgr: U8) -> StillPlate:
        """The one plate that a crop shows, rectified where the detector sees its corners; the crop as it came votes too."""
        return self._read(bgr, self._within(bgr), 0, (bgr,))

    def _within(self, bgr: U8) -> Detections:
        """The plate within a crop, or the whole crop."""
        height, width = bgr.shape[:2]
        found = self.detector(_bordered(bgr))
        shift = np.array([BORDER * width, BORDER * height], np.float32)
        boxes, quads = found.boxes - np.tile(shift, 2), found.quads - shift
        wide = (boxes[:, 2] - boxes[:, 0] >= CROP_SHARE * width) & (found.scores >= CROP_SCORE)
        if wide.any():
            return Detections(boxes, found.scores, quads).select(wide)
        whole = np.array([[0, 0, width, height]], np.float32)
        return Detections(whole, np.ones(1, np.float32), quad_from_box(whole[0])[None])

    def _read(self, bgr: U8, found: Detections, i: int, others: tuple[U8, ...]) -> StillPlate:
        quad = self.corners(bgr, _straightenable(found.quads[i], found.boxes[i], bgr.shape[:2]))
        height_px = quad_size(quad)[0]
        cuts = (*(rectify(bgr, quad, margin) for margin in MARGINS), *others)
        crops = [PlateCrop(cut, quad, height_px, 0, 0) for cut in cuts]
        if self.gate.manner(crops[0]) is Action.ENHANCE:
            crops += self.enhancer(crops[:1])
        reads = self.reader(crops)
        said = vote(reads, [weight(crop, crops[0] if crop.enhanced else crop) for crop in crops], self.grammar)
        return StillPlate(found.boxes[i], quad, float(found.scores[i]), line_px(crops[0]), said, tuple(reads))


def _straightenable(quad: F32, box: F32, picture_hw: tuple[int, ...]) -> F32:
    """The quad, or the box's corners where the quad is none that a plate can have."""
    try:
        check_quad(quad, picture_hw)
    except ValueError:
        return quad_from_box(box)
    return quad


BORDER = 0.25


def _bordered(bgr: U8) -> U8:
    """A crop with a gray border of a quarter of its size: the detector knows plates on something, not cut at the edge."""
    height, width = bgr.shape[:2]
    top, left = round(BORDER * height), round(BORDER * width)
    bordered = np.full((height + 2 * top, width + 2 * left, 3), 114, np.uint8)
    bordered[top : top + height, left : left + width] = bgr
    return bordered
