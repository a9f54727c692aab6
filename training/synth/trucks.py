"""Lorries: a cargo box on a chassis, its doors, bars, mudflaps and lettering; from the front behind a cab."""

from __future__ import annotations

import numpy as np

from alpr.types import F32, U8
from training.synth import body, layouts
from training.synth.brush import BLACK_PLASTIC, Brush, Colour, gray, random_colour, scaled
from training.synth.cars import build_body, random_paint
from training.synth.light import Light, shade
from training.synth.surface import Surface, Texture
from training.synth.vehicle import Vehicle, plate_corners, plate_metres, plate_surface, upright

Rng = np.random.Generator
SILL = 0.95
"""Height of the load's floor."""


def build_truck(rng: Rng, end: str, plate: U8 | None, light: Light, turn: F32, px_per_m: float = 120.0, braking: bool = False) -> Vehicle:
    """A lorry with a closed box, a canvas cover or an open bed."""
    half, top, length = rng.uniform(0.95, 1.15), rng.choice([1.6, 2.5, 2.9]) + rng.uniform(-0.1, 0.2), rng.uniform(3.2, 5.5)
    cargo = gray(rng.uniform(140, 225)) if rng.random() < 0.5 else random_paint(rng)
    if end == "front":
        cab = build_body(rng, "truck", body.CAB_FRONT, end, plate, light, turn, px_per_m, braking)
        box = _box(rng, half, top, 1.8, length, cargo, light, turn, px_per_m)
        return Vehicle("truck", end, (*box, *cab.surfaces), cab.plate, 2 * half, 1.8 + length, max(top, 2.3), cab.lamps)
    size = plate_metres(plate.shape[1] / plate.shape[0]) if plate is not None else (0.5, 0.12)
    corners = plate_corners(rng, 0.14, rng.uniform(0.62, 0.78), size)
    surfaces = (
        *_chassis(rng, half, length, light, turn, px_per_m, braking),
        *_box(rng, half, top, 0.0, length, cargo, light, turn, px_per_m),
    )
    plates = () if plate is None else (plate_surface(corners, plate, light, turn, end),)
    lamps = np.float32([[-0.78 * half, 0.1, 0.67], [0.78 * half, 0.1, 0.67]])
    return Vehicle("truck", end, (*surfaces, *plates), None if plate is None else corners, 2 * half, length, top, lamps)


def _box(
    rng: Rng, half: float, top: float, y: float, length: float, paint: Colour, light: Light, turn: F32, px_per_m: float
) -> list[Surface]:
    """Sides, roof and doors of the load's box."""
    sides = []
    texture = _wall(rng, length, top - SILL, paint, light, turn @ np.float32([1, 0, 0]), px_per_m * 0.5)
    for x, near, far in ((half, y, y + length), (-half, y + length, y)):
        steps = np.linspace(near, far, 4)
        sides.append(Surface(np.float32([[[x, at, z] for at in steps] for z in (top, SILL)]), texture))
    roof = np.float32([[[-half, y + length, top], [half, y + length, top]], [[-half, y, top], [half, y, top]]])
    lit = shade(np.full((4, 4, 3), 0.35, np.float32), np.float32([[[0, 0, 1]]]), np.zeros((4, 4), np.float32), light)
    doors = Surface(upright(-half, half, SILL, top, y), _doors(rng, 2 * half, top - SILL, paint, light, turn, px_per_m))
    return [*sides, Surface(roof, Texture(lit)), doors]


def _wall(rng: Rng, length: float, height: float, paint: Colour, light: Light, normal: F32, px_per_m: float) -> Texture:
    brush = Brush.blank(length, height, px_per_m, paint, 30)
    for x in np.arange(-length / 2, length / 2, 0.35):
        brush.line([(x, 0), (x, height)], scaled(paint, 0.8), 0.015)
    brush.write(rng, _number(rng), 0, 0.55 * height, 0.22, random_colour(rng, 0, 120))
    brush.dirt(rng, 0.3)
    base, gloss, _ = brush.materials()
    return Texture(shade(base, normal[None, None], gloss, light))


def _doors(rng: Rng, width: float, height: float, paint: Colour, light: Light, turn: F32, px_per_m: float) -> Texture:
    """Two wings with locking bars and hinges, or a canvas, with words and numbers that are no plate."""
    brush = Brush.blank(width, height, px_per_m, paint, 60)
    brush.rect(-width / 2, 0, width / 2, 0.08, scaled(paint, 0.6), 60)
    brush.seam([(0, 0), (0, height)])
    for x in (0.12, 0.36 * width):
        brush.line([(x, 0.02), (x, height - 0.02)], (150, 150, 152), 0.03, both=True)
        brush.rect(x - 0.03, 0.35, x + 0.18, 0.4, (90, 90, 92), 100, both=True)
    for z in np.linspace(0.15, height - 0.15, 4):
        brush.rect(width / 2 - 0.16, z - 0.03, width / 2, z + 0.03, scaled(paint, 0.7), 60, both=True)
    ink = random_colour(rng, 0, 110) if np.mean(paint) > 130 else (230, 230, 230)
    if height > 1 and rng.random() < 0.8:
        brush.write(rng, layouts.of(rng, layouts.LETTERS, int(rng.integers(4, 9))), 0, 0.72 * height, 0.2, ink)
    if rng.random() < 0.7:
        brush.write(rng, _number(rng), 0, 0.42 * height, rng.uniform(0.08, 0.18), ink)
    if rng.random() < 0.5:  # reflecting stripes
        for i in range(int(width / 0.2)):
            x = -width / 2 + 0.2 * i
            brush.rect(x, 0.1, x + 0.1, 0.16, (30, 25, 180) if i % 2 else (225, 225, 225), 100)
    brush.dirt(rng, rng.uniform(0.1, 0.6))
    base, gloss, _ = brush.materials()
    return Texture(shade(base, (turn @ np.float32([0, -1, 0]))[None, None], gloss, light))


def _number(rng: Rng) -> str:
    """A fleet number, a telephone, a weight, or the plate's own number painted large: lettering, not a plate."""
    return layouts.fill(rng, layouts.pick(rng, "99A-999.99", "0999.999.999", "9999 999 999", "A-99", "99A 9999", "9.999 KG"))


def _chassis(rng: Rng, half: float, length: float, light: Light, turn: F32, px_per_m: float, braking: bool) -> list[Surface]:
    """What is under the box: frame, axle and tyres, mudflaps, the under-run bar with its lamps."""
    ambient = light.zenith + light.horizon
    dark = Texture((np.full((4, 4, 3), 0.005, np.float32) * ambient).astype(np.float32))
    tyre = Texture((np.full((4, 4, 3), 0.012, np.float32) * ambient).astype(np.float32))
    parts = [Surface(upright(-0.85 * half, 0.85 * half, 0.5, SILL, 1.6), dark)]
    for sign in (-1, 1):
        x = sign * (half - 0.3)
        parts.append(Surface(upright(x - 0.26, x + 0.26, 0.0, 0.85, 1.0), tyre))
        parts.append(Surface(upright(x - 0.27, x + 0.27, 0.18, 0.8, 0.55), _flap(rng, light, turn, px_per_m)))
    brush = Brush.blank(1.9 * half, 0.42, px_per_m, BLACK_PLASTIC, 40, bottom=0.4)
    brush.rect(-0.95 * half, 0.42, 0.95 * half, 0.56, gray(rng.uniform(40, 150)), 60)
    glow = (40, 30, 255) if braking else (18, 14, 150)
    brush.rect(0.6 * half, 0.6, 0.92 * half, 0.74, (28, 22, 150), 200, glow, both=True)
    brush.rect(0.6 * half, 0.6, 0.7 * half, 0.74, (30, 110, 220), 200, both=True)
    brush.dirt(rng, 0.4)
    base, gloss, lit = brush.materials()
    bar = Texture(shade(base, (turn @ np.float32([0, -1, 0.1]))[None, None], gloss, light, lit))
    return [*parts, Surface(upright(-0.95 * half, 0.95 * half, 0.4, 0.82, 0.18), bar)]


def _flap(rng: Rng, light: Light, turn: F32, px_per_m: float) -> Texture:
    brush = Brush.blank(0.54, 0.62, px_per_m, (32, 31, 30), 10)
    if rng.random() < 0.6:
        brush.write(rng, layouts.of(rng, layouts.LETTERS, int(rng.integers(3, 7))), 0, 0.35, 0.09, (200, 200, 200), 0.8)
    brush.dirt(rng, 0.5)
    base, gloss, _ = brush.materials()
    return Texture(shade(base, (turn @ np.float32([0, -1, 0]))[None, None], gloss, light))
