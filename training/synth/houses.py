"""House fronts along a street: storeys of windows, balconies, shops with lettered signs. None of it is a plate."""

from __future__ import annotations

import numpy as np

from alpr.types import F32
from training.synth import layouts
from training.synth.brush import Brush, Colour, gray, random_colour, scaled
from training.synth.ground import Road
from training.synth.light import Light, shade
from training.synth.surface import Surface, Texture
from training.synth.texture import noise

Rng = np.random.Generator
WALLS: tuple[Colour, ...] = (
    (190, 205, 212), (150, 185, 205), (120, 150, 175), (175, 175, 170), (205, 200, 190), (140, 170, 150), (90, 110, 150),
    (110, 110, 112), (215, 216, 216),
)  # fmt: skip


def houses(rng: Rng, road: Road, light: Light, focal_px: float, far: float = 90.0) -> list[Surface]:
    """House fronts along both sides of a road, and their end walls; at times a side is open. None stands in a side street."""
    surfaces: list[Surface] = []
    for side, edge in ((-1, road.left - road.pavement), (1, road.right + road.pavement)):
        if rng.random() < 0.2 and not road.side_streets:
            continue
        y = rng.uniform(2, 6)
        while y < far:
            length, height, back = rng.uniform(4, 11), rng.choice([3.6, 6.8, 9.8, 13.0]) + rng.uniform(-0.4, 0.8), rng.uniform(0, 1.5)
            crossed = [street for street in road.side_streets if street.meets(side, y, y + length)]
            if crossed and crossed[0].near - y > 3:
                length, crossed = crossed[0].near - y, []
            if not crossed and rng.random() < 0.85:
                surfaces += _house(rng, side, edge + side * (back + 0.3), y, length, height, light, focal_px)
            y = crossed[0].far if crossed else y + length + (rng.uniform(0.5, 5) if rng.random() < 0.25 else 0)
    return surfaces


def _house(rng: Rng, side: int, x: float, y: float, length: float, height: float, light: Light, focal_px: float) -> list[Surface]:
    wall = random_wall(rng)
    density = float(np.clip(1.1 * focal_px / (y + 6), 10, 100))
    front = _front(rng, length, height, wall, density, light, np.float32([-side, 0, 0]))
    gable = Brush.blank(8, height, density * 0.5, scaled(wall, 0.9), 0)
    gable.dirt(rng, 0.3)
    base, gloss, _ = gable.materials()
    lit = shade(base, np.float32([[[0, -1, 0]]]), gloss, light)
    columns = np.linspace(y, y + length, 5)[::-side]
    x1, x2 = (x, x + 8) if side > 0 else (x - 8, x)
    end = np.float32([[[x1, y, height], [x2, y, height]], [[x1, y, 0], [x2, y, 0]]])
    points = np.float32([[[x, at, z] for at in columns] for z in (height, 0)])
    return [Surface(end, Texture(lit)), Surface(points, front)]


def _front(rng: Rng, length: float, height: float, wall: Colour, density: float, light: Light, normal: F32) -> Texture:
    """A house's front: storeys of windows over a shop or a door."""
    brush = Brush.blank(length, height, density, wall, 0, left=0.0)
    rows, columns = brush.gloss.shape
    brush.base[:] = np.clip(brush.base * (1 + 0.06 * noise(rng, rows, columns, density * 1.5, 4)[..., None]), 0, 255)
    storeys, step = max(1, round(height / 3.2)), rng.uniform(1.4, 2.6)
    for storey in range(1, storeys):
        _windows(rng, brush, length, storey * height / storeys, height / storeys, step, light)
    if rng.random() < 0.65:
        _shop(rng, brush, length, height / storeys, light)
    else:
        _windows(rng, brush, length, 0, height / storeys, step, light)
        brush.rect(0.4 * length, 0, 0.4 * length + 1, 2.2, random_colour(rng, 20, 110), 60)
    brush.shade(0, 0.9, length, 0, 1, 0.75)
    brush.dirt(rng, rng.uniform(0, 0.35))
    base, gloss, glow = brush.materials()
    return Texture(shade(base, normal[None, None], gloss, light, glow * np.float32(0.25)))


def _windows(rng: Rng, brush: Brush, length: float, floor: float, storey: float, step: float, light: Light) -> None:
    frame = gray(rng.uniform(150, 240) if rng.random() < 0.6 else rng.uniform(20, 90))
    wide = rng.uniform(0.45, 0.75) * step
    if rng.random() < 0.3:  # a balcony
        brush.rect(0.2, floor - 0.1, length - 0.2, floor + 0.12, gray(rng.uniform(90, 200)))
    for x in np.arange(0.4, length - wide, step):
        low, high = floor + 0.3 * storey, floor + 0.85 * storey
        lit = rng.random() < 0.4
        brush.rect(x - 0.06, low - 0.06, x + wide + 0.06, high + 0.06, frame)
        pane = tuple(np.float64((62, 52, 46)) * rng.uniform(0.4, 1.5))
        brush.rect(x, low, x + wide, high, pane, 220, (90, 150, 190) if lit else None)
        brush.rect(x + wide / 2 - 0.03, low, x + wide / 2 + 0.03, high, frame)
    brush.rect(0, floor - 0.08, length, floor, scaled(tuple(brush.base[0, 0].tolist()), 0.8))


def _shop(rng: Rng, brush: Brush, length: float, storey: float, light: Light) -> None:
    """A shop window under a sign with lettering, at times a telephone number."""
    brush.rect(0.25, 0.1, length - 0.25, 0.72 * storey, random_colour(rng, 25, 70), 200, (60, 90, 110))
    for _ in range(int(rng.integers(15, 50))):  # goods on shelves
        x, z, w, h = rng.uniform(0.3, length - 0.6), rng.integers(0, 4) * 0.5 + 0.15, rng.uniform(0.05, 0.35), rng.uniform(0.1, 0.4)
        goods = scaled(random_colour(rng, 70, 150), rng.uniform(0.3, 1.1))
        brush.rect(x, z, min(x + w, length - 0.25), z + h, goods, 160, scaled(goods, 0.6))
    ground = scaled(random_colour(rng, 40, 200), rng.uniform(0.6, 1.1))
    ink = (240, 240, 240) if np.mean(ground) < 130 else random_colour(rng, 10, 90)
    brush.rect(0.1, 0.74 * storey, length - 0.1, 0.97 * storey, ground, 40, scaled(ground, 0.5))
    word = layouts.of(rng, layouts.LETTERS, int(rng.integers(3, 9))) + (
        " " + layouts.of(rng, layouts.LETTERS, 4) if rng.random() < 0.5 else ""
    )
    brush.write(rng, word, length / 2, 0.87 * storey, 0.11 * storey, ink, min(1.2, 0.8 * length / (0.11 * storey * len(word))))
    if rng.random() < 0.5:
        brush.write(rng, layouts.of(rng, layouts.DIGITS, 10), length / 2, 0.78 * storey, 0.045 * storey, ink)


def random_wall(rng: Rng) -> Colour:
    return scaled(WALLS[int(rng.integers(len(WALLS)))], rng.uniform(0.75, 1.05))
