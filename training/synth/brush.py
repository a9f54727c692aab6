"""Paint on a surface in metres: colours, gloss and glow of a vehicle's skin before any light falls on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from alpr.types import F32, U8
from training.synth.texture import linear, noise

Rng = np.random.Generator
Colour = tuple[float, float, float]  # BGR 0..255
Point = tuple[float, float]
BLACK_PLASTIC: Colour = (34, 33, 32)
GLASS: Colour = (38, 34, 30)
CHROME: Colour = (190, 190, 188)
RUBBER: Colour = (30, 29, 28)


def scaled(colour: Colour, factor: float) -> Colour:
    """A lighter or darker shade."""
    return (min(colour[0] * factor, 255), min(colour[1] * factor, 255), min(colour[2] * factor, 255))


def gray(level: float) -> Colour:
    return (level, level, level)


def random_colour(rng: Rng, low: float = 0, high: float = 255) -> Colour:
    """Any colour, its channels between two levels."""
    blue, green, red = rng.uniform(low, high, 3).tolist()
    return (blue, green, red)


@dataclass(slots=True, eq=False)
class Brush:
    """A skin in the making. Points are (x, up) metres; x is 0 in the middle, up grows upwards from `bottom`."""

    base: U8  # (h, w, 3)
    gloss: U8  # (h, w)
    glow: U8  # (h, w, 3)
    px_per_m: float
    left: float  # x of the first column
    top: float  # up of the first row

    @staticmethod
    def blank(
        width: float, height: float, px_per_m: float, colour: Colour, gloss: int, left: float | None = None, bottom: float = 0.0
    ) -> Brush:
        rows, columns = max(8, round(height * px_per_m)), max(8, round(width * px_per_m))
        base = np.empty((rows, columns, 3), np.uint8)
        base[:] = np.clip(colour, 0, 255)
        empty = np.zeros((rows, columns, 3), np.uint8)
        return Brush(
            base, np.full((rows, columns), gloss, np.uint8), empty, px_per_m, -width / 2 if left is None else left, bottom + height
        )

    def pixels(self, points: Sequence[Point] | F32) -> np.ndarray:
        """Metres → (n, 2) pixels."""
        at = np.float64(points)
        return np.stack([(at[:, 0] - self.left) * self.px_per_m, (self.top - at[:, 1]) * self.px_per_m], axis=1)

    def poly(
        self, points: Sequence[Point] | F32, colour: Colour, gloss: int | None = None, glow: Colour | None = None, both: bool = False
    ) -> None:
        """Fill a polygon; `both`: its mirror image too."""
        for mirror in (1, -1) if both else (1,):
            at = [np.round((self.pixels([(mirror * x, y) for x, y in points]) - 0.5) * 16).astype(np.int32)]
            cv2.fillPoly(self.base, at, np.clip(colour, 0, 255).tolist(), cv2.LINE_AA, 4)
            if gloss is not None:
                cv2.fillPoly(self.gloss, at, gloss, cv2.LINE_AA, 4)
            if glow is not None:
                cv2.fillPoly(self.glow, at, np.clip(glow, 0, 255).tolist(), cv2.LINE_AA, 4)

    def rect(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        colour: Colour,
        gloss: int | None = None,
        glow: Colour | None = None,
        both: bool = False,
    ) -> None:
        self.poly([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], colour, gloss, glow, both)

    def oval(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: Colour,
        gloss: int | None = None,
        glow: Colour | None = None,
        both: bool = False,
    ) -> None:
        angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        self.poly(np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1), colour, gloss, glow, both)

    def line(self, points: Sequence[Point], colour: Colour, width_m: float, both: bool = False) -> None:
        for mirror in (1, -1) if both else (1,):
            at = [np.round(self.pixels([(mirror * x, y) for x, y in points]) * 16).astype(np.int32)]
            cv2.polylines(self.base, at, False, np.clip(colour, 0, 255).tolist(), max(1, round(width_m * self.px_per_m)), cv2.LINE_AA, 4)

    def seam(self, points: Sequence[Point], both: bool = False) -> None:
        """The dark gap between two panels, with the light edge under it."""
        self.line([(x, y - 0.008) for x, y in points], self._near(points[0], 1.25), 0.006, both)
        self.line(points, self._near(points[0], 0.3), 0.009, both)

    def shade(self, x1: float, y1: float, x2: float, y2: float, top: float, bottom: float) -> None:
        """Darken or lighten a rectangle by factors from its top to its bottom."""
        (c1, r1), (c2, r2) = np.round(self.pixels([(x1, max(y1, y2)), (x2, min(y1, y2))])).astype(int).clip(0).tolist()
        part = self.base[r1:r2, c1:c2]
        if part.size:
            ramp = np.linspace(top, bottom, part.shape[0])[:, None, None]
            part[:] = np.clip(part * ramp, 0, 255).astype(np.uint8)

    def write(self, rng: Rng, text: str, x: float, y: float, height: float, colour: Colour, stretch: float = 1.0) -> None:
        """Lettering centred at a point; `height` of its capitals."""
        font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX]))
        mask = np.zeros((64, 40 * len(text) + 40), np.uint8)
        cv2.putText(mask, text, (8, 50), font, 1.7, 255, int(rng.integers(2, 6)), cv2.LINE_AA)
        bx, by, bw, bh = cv2.boundingRect(mask)
        rows = max(3, round(height * self.px_per_m))
        columns = max(3, round(bw * rows / max(bh, 1) * stretch))
        ink = cv2.resize(mask[by : by + bh, bx : bx + bw], (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        ((column, row),) = np.round(self.pixels([(x, y)])).astype(int).tolist()
        r0, c0 = max(0, row - rows // 2), max(0, column - columns // 2)
        part = self.base[r0 : r0 + rows, c0 : c0 + columns]
        ink = ink[: part.shape[0], : part.shape[1], None]
        part[:] = (part + ink * (np.float32(colour) - part)).astype(np.uint8)

    def dirt(self, rng: Rng, amount: float) -> None:
        """Dust and spray: brownish, uneven, thicker below; it takes the gloss away."""
        rows, columns = self.gloss.shape
        low = np.linspace(0.25, 1, rows, dtype=np.float32)[:, None]
        cover = np.clip(low * amount * (0.6 + 0.4 * noise(rng, rows, columns, 0.3 * self.px_per_m, 3)), 0, 0.85)
        dust = np.float32(rng.uniform((70, 85, 95), (110, 125, 135)))
        self.base[:] = (self.base + cover[..., None] * (dust - self.base)).astype(np.uint8)
        self.gloss[:] = (self.gloss * (1 - 0.8 * cover)).astype(np.uint8)

    def _near(self, point: Point, factor: float) -> Colour:
        ((column, row),) = self.pixels([point]).astype(int)
        row, column = np.clip(row, 0, self.gloss.shape[0] - 1), np.clip(column, 0, self.gloss.shape[1] - 1)
        return tuple(np.clip(self.base[row, column] * factor, 4, 250).tolist())  # type: ignore[return-value]

    def materials(self) -> tuple[F32, F32, F32]:
        """Linear base (h, w, 3), gloss (h, w) 0..1 and linear glow (h, w, 3)."""
        return linear(self.base), self.gloss.astype(np.float32) / 255, linear(self.glow) * np.float32(3)
