"""Motorcycles and scooters with their riders, from behind with a plate, from the front without."""

from __future__ import annotations

import numpy as np

from alpr.types import F32, U8
from training.synth.brush import Colour, random_colour
from training.synth.cars import random_paint
from training.synth.figure import Figure
from training.synth.layouts import LETTERS, of
from training.synth.light import Light
from training.synth.surface import Surface
from training.synth.vehicle import Vehicle, plate_corners, plate_metres, plate_surface, upright

Rng = np.random.Generator
WIDTH, HEIGHT = 1.0, 1.85
DARK: Colour = (28, 27, 26)
METAL: Colour = (120, 120, 122)
SKIN: Colour = (95, 125, 170)


def build_motorcycle(
    rng: Rng, end: str, plate: U8 | None, light: Light, turn: F32, px_per_m: float = 150.0, braking: bool = False
) -> Vehicle:
    """A motorcycle with a rider; a flat figure with bulging parts, the plate in front of it. Only the rear carries a plate."""
    figure = Figure.blank(WIDTH, HEIGHT, px_per_m * 1.4)
    paint = random_paint(rng)
    if end == "rear":
        _wheel(figure)
        _rider(rng, figure, back=True)
        _tail(rng, figure, paint, braking)
    else:
        _rider(rng, figure, back=False)
        _wheel(figure)
        _nose(rng, figure, paint)
    surface = Surface(upright(-WIDTH / 2, WIDTH / 2, 0.0, HEIGHT, 0.3), figure.texture(rng, light, turn))
    lamp = np.float32([[0, 0.28, 0.74]]) if end == "rear" else np.float32([[0, 0.28, 0.86]])
    if plate is None or end == "front":
        return Vehicle("motorcycle", end, (surface,), None, 0.6, 1.8, HEIGHT, lamp)
    corners = plate_corners(rng, 0.26, rng.uniform(0.5, 0.56), plate_metres(plate.shape[1] / plate.shape[0], motorcycle=True))
    return Vehicle("motorcycle", end, (surface, plate_surface(corners, plate, light, turn, end)), corners, 0.6, 1.8, HEIGHT, lamp)


def _wheel(figure: Figure) -> None:
    figure.part(
        [(-0.05, 0.02), (-0.03, 0), (0.03, 0), (0.05, 0.02), (0.055, 0.5), (0.03, 0.58), (-0.03, 0.58), (-0.055, 0.5)], (24, 23, 22), 0.045
    )
    for i in range(9):
        figure.brush.line([(-0.04, 0.03 + 0.06 * i), (0, 0.05 + 0.06 * i), (0.04, 0.03 + 0.06 * i)], (12, 12, 12), 0.008)


def _tail(rng: Rng, figure: Figure, paint: Colour, braking: bool) -> None:
    """Exhaust, mudguard, shocks, lamps, seat."""
    figure.limb([(0.13, 0.5), (0.12, 0.25)], [0.025, 0.025], METAL, 150, both=rng.random() < 0.7)
    side = rng.choice([-1, 1], p=[0.2, 0.8])
    figure.limb([(side * 0.19, 0.32), (side * 0.2, 0.42)], [0.055, 0.06], (70, 70, 72), 180)
    figure.oval(side * 0.195, 0.34, 0.035, 0.035, (10, 10, 10), 0.02)
    figure.part([(-0.08, 0.36), (0.08, 0.36), (0.1, 0.66), (-0.1, 0.66)], DARK, 0.03, 60)
    wide = rng.uniform(0.13, 0.19)
    figure.part(
        [(-0.6 * wide, 0.62), (0.6 * wide, 0.62), (wide, 0.72), (0.9 * wide, 0.84), (-0.9 * wide, 0.84), (-wide, 0.72)], paint, 0.06, 190
    )
    glow = (40, 30, 255) if braking else (18, 14, 150)
    figure.part([(-0.55 * wide, 0.69), (0.55 * wide, 0.69), (0.75 * wide, 0.78), (-0.75 * wide, 0.78)], (30, 25, 165), 0.03, 210, glow)
    figure.oval(wide + 0.02, 0.73, 0.04, 0.03, (30, 110, 220), 0.02, 200, both=True)
    figure.part([(-0.15, 0.83), (0.15, 0.83), (0.13, 0.9), (-0.13, 0.9)], (22, 22, 22), 0.05, 50)
    if rng.random() < 0.3:
        _box(rng, figure)


def _nose(rng: Rng, figure: Figure, paint: Colour) -> None:
    """Fork, mudguard, shield and headlamp."""
    figure.limb([(0.08, 0.28), (0.09, 0.75)], [0.025, 0.03], METAL, 170, both=True)
    figure.part([(-0.08, 0.45), (0.08, 0.45), (0.1, 0.62), (0.05, 0.68), (-0.05, 0.68), (-0.1, 0.62)], paint, 0.05, 190)
    figure.part(
        [(-0.12, 0.6), (0.12, 0.6), (0.24, 0.78), (0.2, 1.0), (0.08, 1.1), (-0.08, 1.1), (-0.2, 1.0), (-0.24, 0.78)], paint, 0.1, 190
    )
    figure.oval(0, rng.uniform(0.84, 1.0), 0.1, 0.075, (190, 190, 188), 0.05, 240, (235, 245, 255))
    figure.oval(0.17, 0.86, 0.035, 0.03, (40, 130, 220), 0.02, 200, both=True)


def _rider(rng: Rng, figure: Figure, back: bool) -> None:
    """Legs, body, arms, mirrors, head; at times nobody is behind the rider, at times somebody."""
    cloth = tuple(rng.uniform(20, 210) * rng.uniform(0.7, 1.2, 3).clip(0, 1.2))
    trousers = tuple(rng.uniform(15, 110) * rng.uniform(0.8, 1.3, 3))
    figure.limb([(0.13, 0.86), (0.27, 0.66), (0.22, 0.32)], [0.09, 0.08, 0.055], trousers, both=True)
    figure.limb([(0.22, 0.3), (0.24, 0.27)], [0.05, 0.045], (30, 30, 32), both=True)
    figure.limb([(0.0, 1.04), (0.3, 1.06), (0.38, 1.02)], [0.02, 0.02, 0.022], DARK, 60, both=True)
    figure.limb([(0.26, 1.06), (0.32, 1.22)], [0.008, 0.008], DARK, 60, both=True)
    figure.oval(0.33, 1.25, 0.06, 0.035, DARK if back else (150, 150, 150), 0.02, 160, both=True)
    figure.limb([(0.2, 1.36), (0.33, 1.18), (0.35, 1.06)], [0.065, 0.055, 0.045], cloth, both=True)
    torso = [(-0.17, 0.84), (0.17, 0.84), (0.18, 1.1), (0.23, 1.36), (0.14, 1.45), (-0.14, 1.45), (-0.23, 1.36), (-0.18, 1.1)]
    figure.part(torso, cloth, 0.12)
    if rng.random() < 0.3:
        figure.brush.write(rng, of(rng, LETTERS, int(rng.integers(3, 8))), 0, 1.22, 0.05, random_colour(rng, 0, 255))
    figure.limb([(0, 1.42), (0, 1.5)], [0.055, 0.055], SKIN)
    helmet = random_colour(rng, 20, 220) if rng.random() < 0.6 else (35, 35, 36)
    figure.oval(0, 1.6, 0.125, 0.15, SKIN, 0.1)
    figure.part(
        [(0.135 * np.cos(a), 1.62 + 0.16 * np.sin(a)) for a in np.linspace(-0.35 if back else 0.1, np.pi + (0.35 if back else -0.1), 22)],
        helmet,
        0.12,
        200,
    )
    if not back and rng.random() < 0.5:
        figure.part([(-0.12, 1.55), (0.12, 1.55), (0.125, 1.64), (-0.125, 1.64)], (30, 28, 26), 0.08, 240)


def _box(rng: Rng, figure: Figure) -> None:
    """A courier's box with words on it."""
    colour = random_colour(rng, 20, 230)
    half, top = rng.uniform(0.2, 0.28), rng.uniform(1.2, 1.45)
    figure.part([(-half, 0.88), (half, 0.88), (half, top), (-half, top)], colour, 0.03, 40)
    ink = tuple(255 - c for c in colour)
    figure.brush.write(rng, of(rng, LETTERS, int(rng.integers(3, 7))), 0, (0.88 + top) / 2, 0.1, ink, 0.9)
