"""How vehicles look from behind, from the front and from the side: lamps, windows, seams, grilles, badges, stickers.

Heights are metres up the end's own surface, so that a steep window keeps its length. A Panel knows the shape's landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.synth import layouts
from training.synth.body import Shape, Swept
from training.synth.brush import BLACK_PLASTIC, CHROME, GLASS, RUBBER, Brush, Colour, random_colour, scaled

Rng = np.random.Generator
RED: Colour = (28, 22, 150)
RED_GLOW: Colour = (40, 30, 255)
WHITE_GLOW: Colour = (235, 245, 255)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The seen end of a body to paint on."""

    brush: Brush
    shape: Shape
    sweep: Swept
    paint: Colour
    plate_z: float
    plate_size: tuple[float, float]  # (w, h) metres
    braking: bool

    def up(self, z: float) -> float:
        """Where a height of the end lies on the brush."""
        return self.sweep.along_at_z(z)

    @property
    def half(self) -> float:
        return self.shape.width / 2

    @property
    def glass(self) -> tuple[float, float]:
        """Lower and upper end of the window, on the brush."""
        low, high = self.shape.glass
        return float(self.sweep.corners[low]), float(self.sweep.corners[high])


def paint_rear(rng: Rng, p: Panel) -> None:
    """Boot lid, bumper, lamps, plate recess, window, stickers."""
    _upper(rng, p)
    belt = p.glass[0]
    bumper, low = p.up(p.shape.profile[3][1]), p.up(p.shape.profile[1][1])
    p.brush.poly(
        [
            (-p.half, 0),
            (p.half, 0),
            (p.half, low),
            (p.half * 0.6, low + rng.uniform(-0.03, 0.06)),
            (-p.half * 0.6, low + 0.02),
            (-p.half, low),
        ],
        BLACK_PLASTIC,
        40,
    )
    p.brush.shade(-p.half, low, p.half, bumper, 1.04, 0.82)
    edge = rng.uniform(0.62, 0.8) * p.half
    p.brush.seam([(-p.half, bumper), (p.half, bumper)])
    p.brush.seam([(edge, bumper), (edge + 0.03, (belt + bumper) / 2), (edge - 0.02, belt - 0.02)], both=True)
    if rng.random() < 0.6:
        p.brush.seam([(-edge, belt - 0.03), (edge, belt - 0.03)])
    _tail_lamps(rng, p, bumper, belt)
    _recess(rng, p)
    reflector = rng.uniform(0.55, 0.75) * p.half
    p.brush.rect(reflector, low + 0.03, reflector + 0.16, low + 0.07, (25, 20, 130), 60, both=rng.random() < 0.8)
    _rear_words(rng, p, bumper, belt)
    if rng.random() < 0.5:  # exhaust
        p.brush.oval(rng.uniform(0.4, 0.65) * p.half, 0.06, 0.045, 0.035, (70, 70, 70), 120, both=rng.random() < 0.4)
        p.brush.oval(rng.uniform(0.4, 0.65) * p.half, 0.06, 0.03, 0.022, (8, 8, 8), 0)


def paint_front(rng: Rng, p: Panel) -> None:
    """Bonnet, grille, intakes, headlamps, windscreen."""
    _upper(rng, p, front=True)
    hood = p.up(p.shape.profile[4][1]) if p.shape.height < 2 else p.glass[0] - 0.05
    low = p.up(p.shape.profile[1][1])
    p.brush.poly([(-p.half, 0), (p.half, 0), (p.half, 0.04), (p.half * 0.8, low), (-p.half * 0.8, low), (-p.half, 0.04)], BLACK_PLASTIC, 30)
    _headlamps(rng, p, hood)
    _grille(rng, p, hood, low)
    p.brush.seam([(0.86 * p.half, hood - 0.02), (0.82 * p.half, p.glass[0] - 0.04)], both=True)
    p.brush.seam([(-0.86 * p.half, hood - 0.01), (0.86 * p.half, hood - 0.01)])
    _recess(rng, p, front=True)


def _upper(rng: Rng, p: Panel, front: bool = False) -> None:
    """The window with what is behind it, and the roof."""
    low, high = p.glass
    wide, narrow = 0.93 * p.half, rng.uniform(0.84, 0.92) * p.half
    tint = rng.uniform(0.6, 1.6)
    p.brush.poly([(-wide, low - 0.015), (wide, low - 0.015), (narrow, high + 0.02), (-narrow, high + 0.02)], BLACK_PLASTIC, 110)
    inner = [(-wide + 0.04, low + 0.025), (wide - 0.04, low + 0.025), (narrow - 0.03, high - 0.02), (-narrow + 0.03, high - 0.02)]
    p.brush.poly(inner, scaled(GLASS, tint), 235)
    for x in (-0.38, 0.38):  # head rests, people
        size = rng.uniform(0.08, 0.13)
        if rng.random() < 0.8:
            p.brush.oval(x * p.half + rng.normal(0, 0.03), low + 0.45 * (high - low), size, 1.2 * size, (20, 19, 18))
            p.brush.rect(x * p.half - 2 * size, low + 0.03, x * p.half + 2 * size, low + 0.3 * (high - low), (17, 16, 15))
    if front:
        p.brush.rect(-0.09, high - 0.11, 0.09, high - 0.03, (25, 25, 25))
        p.brush.line([(-0.75 * wide, low + 0.03), (0.0, low + 0.07)], (15, 15, 15), 0.018)
        p.brush.line([(0.0, low + 0.03), (0.75 * wide, low + 0.07)], (15, 15, 15), 0.018)
    elif rng.random() < 0.6:
        for i in range(6):
            y = low + (high - low) * (0.2 + 0.12 * i)
            p.brush.line([(-0.7 * wide, y), (0.7 * wide, y)], (55, 45, 42), 0.004)
    for _ in range(int(rng.integers(0, 4))):
        _sticker(rng, p, rng.uniform(-0.7, 0.7) * wide, rng.uniform(low + 0.08, high - 0.08), 0.8)
    if not front and p.shape.height > 1.5 and rng.random() < 0.6:
        p.brush.line([(0.0, low), (rng.uniform(0.2, 0.5), low + 0.06)], (12, 12, 12), 0.02)


def _sticker(rng: Rng, p: Panel, x: float, y: float, scale: float = 1.0) -> None:
    """A label that is no plate: a maker's, a dealer's, an inspection's."""
    width, height = scale * rng.uniform(0.06, 0.3), scale * rng.uniform(0.05, 0.14)
    ground = random_colour(rng, 20, 240)
    if rng.random() < 0.7:
        p.brush.rect(x - width / 2, y - height / 2, x + width / 2, y + height / 2, ground, 60)
    ink = tuple(255 - c if rng.random() < 0.8 else c for c in ground)
    p.brush.write(rng, _word(rng), x, y, 0.55 * height, ink, min(1.2, width / height / 3))


def _word(rng: Rng) -> str:
    return (
        layouts.of(rng, layouts.LETTERS, int(rng.integers(2, 8)))
        if rng.random() < 0.75
        else layouts.of(rng, layouts.DIGITS, int(rng.integers(2, 9)))
    )


def _tail_lamps(rng: Rng, p: Panel, bumper: float, belt: float) -> None:
    """Lamps at both corners: a red cluster with an orange and a white chamber."""
    tall = p.shape.height > 1.6
    outer = 0.985 * p.half
    inner = rng.uniform(0.8, 0.86) * p.half if tall and rng.random() < 0.6 else rng.uniform(0.55, 0.7) * p.half
    bottom = bumper + rng.uniform(0.02, 0.1)
    top = belt + rng.uniform(0.1, 0.35) if tall and inner > 0.75 * p.half else min(belt - 0.03, bottom + rng.uniform(0.14, 0.24))
    slope = rng.uniform(-0.04, 0.05)
    shape = [(inner, bottom + slope), (outer, bottom), (outer, top), (inner + rng.uniform(-0.05, 0.05), top - slope)]
    glow = RED_GLOW if p.braking else (18, 14, 150)
    p.brush.poly([(x + (0.012 if x > 0.9 * p.half else -0.012), y) for x, y in shape], (14, 12, 40), 150, both=True)
    p.brush.poly(shape, RED, 200, glow, both=True)
    middle, height = (inner + outer) / 2, top - bottom
    p.brush.rect(
        middle - 0.1 * (outer - inner), bottom + 0.1 * height, outer - 0.02, bottom + 0.32 * height, (200, 200, 205), 200, both=True
    )
    p.brush.rect(inner + 0.02, bottom + 0.38 * height, outer - 0.02, bottom + 0.55 * height, (50, 45, 205), 200, glow, both=True)
    if rng.random() < 0.6:
        p.brush.rect(middle, top - 0.25 * height, outer - 0.015, top - 0.06 * height, (30, 110, 230), 200, both=True)
    p.brush.line([shape[3], shape[2]], (90, 80, 180), 0.008, both=True)


def _headlamps(rng: Rng, p: Panel, hood: float) -> None:
    outer, inner = 0.96 * p.half, rng.uniform(0.52, 0.66) * p.half
    top = hood - 0.02 if p.shape.height < 2 else p.up(0.85)
    height = rng.uniform(0.13, 0.2)
    shape = [
        (inner, top - height * rng.uniform(0.75, 1.0)),
        (outer - 0.02, top - height * 0.8),
        (outer, top + 0.02),
        (inner + 0.04, top - 0.03),
    ]
    p.brush.poly([(x * 1.012, y) for x, y in shape], (25, 25, 25), 150, both=True)
    p.brush.poly(shape, (175, 172, 168), 235, (50, 55, 60), both=True)
    radius = 0.34 * height
    for i, x in enumerate((0.38, 0.72)):
        at = inner + x * (outer - inner)
        p.brush.oval(at, top - 0.5 * height, radius, radius, (70, 70, 72), 230, both=True)
        p.brush.oval(
            at, top - 0.5 * height, 0.7 * radius, 0.7 * radius, (225, 225, 222), 235, WHITE_GLOW if i else (120, 130, 140), both=True
        )


def _grille(rng: Rng, p: Panel, hood: float, low: float) -> None:
    half = rng.uniform(0.42, 0.56) * p.half
    top = hood - rng.uniform(0.02, 0.05)
    bottom = max(p.up(p.plate_z) + p.plate_size[1] / 2 + 0.03, top - rng.uniform(0.14, 0.3))
    frame = CHROME if rng.random() < 0.55 else p.paint
    squeeze = rng.uniform(0.75, 1.0)
    p.brush.poly(
        [
            (-half - 0.02, top + 0.015),
            (half + 0.02, top + 0.015),
            (half * squeeze + 0.02, bottom - 0.015),
            (-half * squeeze - 0.02, bottom - 0.015),
        ],
        frame,
        200,
    )
    p.brush.poly([(-half, top), (half, top), (half * squeeze, bottom), (-half * squeeze, bottom)], (14, 14, 14), 60)
    slats = int(rng.integers(2, 8))
    for i in range(slats):
        y = bottom + (top - bottom) * (i + 0.5) / slats
        p.brush.line([(-half * 0.93, y), (half * 0.93, y)], CHROME if frame == CHROME else (45, 45, 45), 0.012)
    p.brush.oval(0, (top + bottom) / 2, 0.065, 0.055, CHROME, 220)
    p.brush.oval(0, (top + bottom) / 2, 0.045, 0.035, random_colour(rng, 20, 160), 200)
    air = min(bottom - 0.1, p.up(p.plate_z) - p.plate_size[1] / 2 - 0.03)
    if air > low + 0.05:
        p.brush.poly([(-half, low + 0.02), (half, low + 0.02), (half * 1.08, air), (-half * 1.08, air)], (15, 15, 15), 30)
    fog = rng.uniform(0.62, 0.78) * p.half
    p.brush.oval(fog, low + 0.12, 0.1, 0.07, (20, 20, 20), 40, both=True)
    p.brush.oval(fog, low + 0.12, 0.045, 0.045, (150, 150, 150), 220, both=True)


def _recess(rng: Rng, p: Panel, front: bool = False) -> None:
    """What the plate stands on."""
    width, height = p.plate_size
    at, half = p.up(p.plate_z), width / 2 + rng.uniform(0.02, 0.07)
    dark = scaled(p.paint, rng.uniform(0.45, 0.8)) if rng.random() < 0.6 or front else BLACK_PLASTIC
    up, down = height / 2 + rng.uniform(0.015, 0.05), height / 2 + rng.uniform(0.01, 0.04)
    p.brush.poly([(-half, at - down), (half, at - down), (half + 0.02, at + up), (-half - 0.02, at + up)], dark, 60)
    if not front and rng.random() < 0.6:
        p.brush.rect(-half - 0.01, at + up, half + 0.01, at + up + 0.035, CHROME if rng.random() < 0.5 else p.paint, 220)


def _rear_words(rng: Rng, p: Panel, bumper: float, belt: float) -> None:
    """Maker's badge and model names, and at times a sticker on the bumper."""
    ink = CHROME if float(np.mean(p.paint)) < 150 else (60, 60, 60)
    y = belt - rng.uniform(0.07, 0.12)
    if y > p.up(p.plate_z) + p.plate_size[1] / 2 + 0.1:
        p.brush.oval(0, y, 0.05, 0.045, CHROME, 220)
        p.brush.oval(0, y, 0.032, 0.028, random_colour(rng, 20, 200), 200)
    for side in (-1, 1):
        if rng.random() < 0.65:
            p.brush.write(rng, _word(rng), side * 0.44 * p.half, y - 0.01, rng.uniform(0.025, 0.05), ink, 1.2)
    if rng.random() < 0.25:
        _sticker(rng, p, rng.choice([-1, 1]) * 0.5 * p.half, bumper + 0.1)


def paint_side(rng: Rng, brush: Brush, shape: Shape, sweep: Swept, paint: Colour, along: float = 1.0) -> None:
    """Doors, windows, arches and wheels; y runs along the brush's x."""
    belt, roof = 0.62 * shape.height, shape.height
    far = shape.far_glass or (len(shape.profile) - 4, len(shape.profile) - 3)
    start = shape.profile[shape.glass[0]][0] + 0.25
    top_start, top_end = shape.profile[shape.glass[1]][0] + 0.12, shape.profile[far[0]][0] - 0.1
    end = shape.profile[far[1]][0] - 0.15
    window = [(start, belt + 0.03), (end, belt + 0.03), (top_end, roof - 0.1), (top_start, roof - 0.12)]
    brush.poly([(y, z) for y, z in window], BLACK_PLASTIC, 120)
    brush.poly([(y * 0.985 + 0.03, belt + 0.05 + (z - belt) * 0.9 - 0.02) for y, z in window], scaled(GLASS, 1.2), 235)
    for share in (0.36, 0.66):
        y = start + share * (end - start)
        brush.rect(y - 0.04, belt, y + 0.04, roof - 0.1, (22, 22, 22), 80)
        brush.seam([(y, belt), (y, 0.4)])
        brush.rect(y - 0.28, belt - 0.13, y - 0.1, belt - 0.1, paint, 200)
    brush.shade(0, 0.3, shape.length, belt - 0.05, 1.0, 0.7)
    brush.line([(0.3, belt - 0.06), (shape.length - 0.4, belt - 0.1)], scaled(paint, 0.75), 0.02)
    brush.rect(-0.1, 0.0, shape.length + 0.1, 0.3, BLACK_PLASTIC, 20)
    for axle in shape.axles:
        _wheel(brush, axle, shape.wheel)


def _wheel(brush: Brush, y: float, radius: float) -> None:
    brush.oval(y, radius, radius * 1.18, radius * 1.2, (12, 12, 12), 0)
    brush.oval(y, radius, radius, radius, RUBBER, 20)
    brush.oval(y, radius, 0.66 * radius, 0.66 * radius, (130, 130, 130), 150)
    for angle in np.arange(5) * 2 * np.pi / 5 + 0.3:
        rim = [(share * radius, angle + turn) for share, turn in ((0.25, 0.0), (0.6, 0.35), (0.6, 0.9))]
        brush.poly([(y + r * np.cos(a), radius + r * np.sin(a)) for r, a in rim], (28, 28, 28), 30)
    brush.oval(y, radius, 0.12 * radius, 0.12 * radius, (90, 90, 90), 150)
