"""One plate measured from its pixels: how high it is, how slanted, how blurred and in which direction, how bright.

Not from the detector's corners: those of release 0.2.0 stand 10 to 30 % too far apart on small plates, and do not follow a slant (see
docs/live-view.md). Lengths are pixels of the frame, angles degrees in the picture, clockwise from its x axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin, sqrt
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from alpr.imaging import TWO_LINE_ASPECT
from alpr.types import F32, U8

MARGIN: Final = 0.3
"""Of a box's height, kept around it: the plate's edges must be in the picture."""
STEEPEST_DEG: Final = 50
WORK_PX: Final = (48.0, 96.0)
"""Between these heights the search for edges works: smaller pictures are enlarged, larger ones shrunk."""
OFF_CENTRE: Final = 0.25
HEIGHTS: Final = (0.2, 1.3)
"""Of the box's height: a slanted plate has a box far higher than itself."""
DARK_PLATE: Final = 2.5
"""Light edges around a dark plate must be so many times as strong as the opposite: the lettering of a light plate has such edges too."""
DIRECTIONS_DEG: Final = np.arange(0, 180, 15)
CRISP_PX: Final = 2.4
"""How wide the sharpest edge of a picture is, by the same measure: the lens, the pixels and the filter."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a plate's pixels tell."""

    height_px: float
    lines: int
    slant_deg: float  # of its lines of text against the horizontal
    lean_deg: float  # of its upright strokes against the perpendicular of its lines
    blur_px: float  # how long an edge is smeared in the worst direction, beyond what a crisp one is; 0 for none
    blur_deg: float  # that direction, 0 up to 180
    across_px: float  # the same, perpendicular to it
    bright: float  # 0..255: level of its ground, and …
    contrast: float  # … how far its lettering is from it

    @property
    def line_px(self) -> float:
        """Height of one line of text, as the gate counts it."""
        return self.height_px / self.lines


def surroundings(bgr: U8, box: F32) -> tuple[U8, F32]:
    """A plate with some of what is around it, copied out of a frame, and its box (4,) there."""
    margin = max(2.0, MARGIN * float(box[3] - box[1]))
    x1, y1 = np.maximum(np.floor(box[:2] - margin).astype(int), 0)
    x2, y2 = np.minimum(np.ceil(box[2:] + margin).astype(int), bgr.shape[1::-1])
    return bgr[y1:y2, x1:x2].copy(), (box - np.array([x1, y1, x1, y1], np.float32)).astype(np.float32)


def measure(bgr: U8, box: F32) -> Measured:
    """A plate's surroundings (h, w, 3) and its box (4,) in them."""
    gray: F32 = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).astype(np.float32)
    middle, size = ((box[:2] + box[2:]) / 2).astype(np.float32), box[2:] - box[:2]
    scale = float(np.clip(gray.shape[0], *WORK_PX)) / gray.shape[0]
    scale = min(scale, 4.0)
    work = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    seen = _Field.of(work.astype(np.float32), (middle * scale).astype(np.float32))
    slant = seen.straightest((-STEEPEST_DEG, STEEPEST_DEG))
    height = _height(seen, slant, float(size[1]) * scale) / scale or _of_box(size, slant)
    width = max(height, (float(size[0]) - height * abs(sin(radians(slant)))) / cos(radians(slant)))
    strokes = seen.within(slant, height * scale / 2).straightest((slant - 90 - STEEPEST_DEG, slant - 90 + STEEPEST_DEG))
    inside = _inside(gray.shape, middle, slant, (width, height))
    blur_px, blur_deg, across_px = blur(gray, inside)
    low, high = np.percentile(gray[inside], (5, 95))
    lines = 2 if width < TWO_LINE_ASPECT * height else 1
    return Measured(height, lines, slant, strokes + 90 - slant, blur_px, blur_deg, across_px, float(high), float(high - low))


def gradient(gray: F32) -> tuple[F32, F32]:
    """Of brightness by x and by y, per pixel."""
    x, y = cv2.Scharr(gray, cv2.CV_32F, 1, 0), cv2.Scharr(gray, cv2.CV_32F, 0, 1)
    return (x / 32).astype(np.float32), (y / 32).astype(np.float32)


def blur(gray: F32, inside: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Smear in the worst direction, that direction, and smear across it: contrast over the steepest slopes is how wide an edge is.

    A crisp plate has steep slopes in every direction, for letters have strokes in all of them. Motion flattens those along its way.
    """
    x, y = gradient(cv2.GaussianBlur(gray, (0, 0), 0.6).astype(np.float32))
    contrast = float(np.subtract(*np.percentile(gray[inside], (97, 3))))
    slopes = [np.percentile(np.abs(cos(radians(deg)) * x + sin(radians(deg)) * y)[inside], 98) for deg in DIRECTIONS_DEG.tolist()]
    smears = [sqrt(max(0.0, (contrast / max(float(slope), 1e-3)) ** 2 - CRISP_PX**2)) for slope in slopes]
    worst = int(np.argmax(smears))
    return smears[worst], float(DIRECTIONS_DEG[worst]), smears[(worst + len(smears) // 2) % len(smears)]


def _height(seen: _Field, slant: float, box_height: float) -> float:
    """From the plate's upper edge to its lower one, 0 where no pair of edges fits: one gets lighter, the other darker."""
    total, weight, first = seen.across(slant)
    slopes = total / np.maximum(weight, 0.3 * weight.max())
    light, dark = (_pair(sign * slopes, first, box_height) for sign in (1, -1))
    return dark[1] if dark[0] > DARK_PLATE * light[0] else light[1]


def _pair(slopes: F32, first: float, box_height: float) -> tuple[float, float]:
    """The strongest rise with a fall below it, about the middle → how strong the weaker is, how far apart they are."""
    inner = np.arange(1, len(slopes) - 1)
    peaks = inner[(np.abs(slopes[1:-1]) >= np.abs(slopes[:-2])) & (np.abs(slopes[1:-1]) >= np.abs(slopes[2:]))]
    best = (0.0, 0.0)
    for upper in peaks[slopes[peaks] > 0]:
        for lower in peaks[slopes[peaks] < 0]:
            apart, centre = lower - upper, (lower + upper) / 2 + first
            if HEIGHTS[0] * box_height <= apart <= HEIGHTS[1] * box_height and abs(centre) <= OFF_CENTRE * box_height:
                best = max(best, (min(slopes[upper], -slopes[lower]), _summit(slopes, lower) - _summit(slopes, upper)))
    return float(best[0]), float(best[1])


def _summit(slopes: F32, at: int) -> float:
    """Where the parabola through a peak and its neighbours has its top."""
    before, here, after = np.abs(slopes[at - 1 : at + 2]).tolist()
    bend = before - 2 * here + after
    return float(at + (0.5 * (before - after) / bend if bend else 0.0))


@dataclass(frozen=True, slots=True)
class _Field:
    """A picture's slopes by place, as seen from the plate's middle; what is nearer the picture's middle counts more."""

    columns: F32  # (n,)
    rows: F32
    x: F32
    y: F32
    weight: F32

    @staticmethod
    def of(gray: F32, middle: F32) -> _Field:
        x, y = gradient(cv2.GaussianBlur(gray, (0, 0), 1.0).astype(np.float32))
        rows, columns = np.mgrid[: x.shape[0], : x.shape[1]].astype(np.float32)
        rows, columns = rows + np.float32(0.5) - middle[1], columns + np.float32(0.5) - middle[0]
        weight = np.exp(-0.5 * ((2 * columns / x.shape[1]) ** 4 + (2 * rows / x.shape[0]) ** 4))
        return _Field(*(each.ravel().astype(np.float32) for each in (columns, rows, x, y, weight)))

    def within(self, slant: float, reach: float) -> _Field:
        """What is nearer than `reach` to the middle row."""
        near = np.abs(cos(radians(slant)) * self.rows - sin(radians(slant)) * self.columns) <= reach
        return _Field(*(each[near] for each in (self.columns, self.rows, self.x, self.y, self.weight)))

    def across(self, slant: float) -> tuple[F32, F32, float]:
        """Slopes across rows that slant by an angle, added up row by row: total, how much was added, and how far the first row is from the
        middle one."""
        c, s = np.float32(cos(radians(slant))), np.float32(sin(radians(slant)))
        place = c * self.rows - s * self.columns
        first = float(np.rint(place.min()))
        row = np.rint(place - np.float32(first)).astype(np.intp)
        total, weight = (np.bincount(row, values) for values in (self.weight * (c * self.y - s * self.x), self.weight))
        return total.astype(np.float32), weight.astype(np.float32), first

    def straightest(self, degrees: tuple[int, int]) -> int:
        """The slant at which edges line up best into rows: those of a plate, and of its lettering."""

        def agreement(slant: float) -> float:
            total, weight, _ = self.across(slant)
            return float((total**2 / np.maximum(weight, 1e-6)).sum())

        coarse = max(range(degrees[0], degrees[1] + 1, 5), key=agreement)
        return max(range(coarse - 4, coarse + 5), key=agreement)


def _of_box(size: F32, slant: float) -> float:
    """The height of a slanted rectangle that fills a box."""
    c, s = cos(radians(slant)), abs(sin(radians(slant)))
    even = c * c - s * s
    return max(HEIGHTS[0] * float(size[1]), (float(size[1]) * c - float(size[0]) * s) / even) if even > 0.1 else float(size[1])


def _inside(shape: tuple[int, ...], middle: F32, slant: float, size: tuple[float, float]) -> NDArray[np.bool_]:
    """The pixels of a slanted rectangle, one at least."""
    mask = np.zeros(shape, np.uint8)
    corners = cv2.boxPoints(((float(middle[0]) - 0.5, float(middle[1]) - 0.5), size, slant))
    cv2.fillConvexPoly(mask, np.round(corners).astype(np.int32), 1)
    mask[int(np.clip(middle[1], 0, shape[0] - 1)), int(np.clip(middle[0], 0, shape[1] - 1))] = 1
    return mask.astype(bool)
