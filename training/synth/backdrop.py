"""What stands around a street: sky, skyline, house fronts with shop signs, trees, posts and boards. None of it is a plate."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.types import F32
from training.synth import layouts
from training.synth.brush import Brush, Colour
from training.synth.camera import Camera
from training.synth.ground import Road
from training.synth.light import Light, shade
from training.synth.surface import Surface, Texture
from training.synth.texture import colour, noise

Rng = np.random.Generator
WALLS: tuple[Colour, ...] = (
    (190, 205, 212), (150, 185, 205), (120, 150, 175), (175, 175, 170), (205, 200, 190), (140, 170, 150), (90, 110, 150), (110, 110, 112), (215, 216, 216),
)  # fmt: skip


def draw_sky(rng: Rng, picture: F32, camera: Camera, light: Light) -> None:
    """Fill the whole picture with sky, clouds and a far skyline, in place."""
    width, height = camera.size
    horizon = camera.horizon_px()
    up = np.clip((horizon - np.arange(height, dtype=np.float32)) / camera.focal_px, 0, 1)[:, None, None]
    sky = light.horizon + (light.zenith * np.float32(1.1) - light.horizon) * np.minimum(up * 3, 1)
    clouds = noise(rng, height, width, 0.35 * width, 5)[..., None]
    picture[:] = sky * (1 + np.float32(0.1) * clouds)
    for layer in range(2):
        _skyline(rng, picture, camera, horizon, light, layer)


def _skyline(rng: Rng, picture: F32, camera: Camera, horizon: float, light: Light, layer: int) -> None:
    """A dim line of far trees and roofs on the horizon."""
    width, height = camera.size
    tall = camera.focal_px * rng.uniform(0.015, 0.06) * (1.6 - layer)
    if rng.random() < 0.6:
        profile = noise(rng, 2, width, 0.08 * width, 5)[0]
    else:
        profile = np.repeat(rng.normal(0, 1, 40), max(1, width // 40 + 1))[:width]
    top = horizon - tall * (1 + 0.4 * profile.astype(np.float32))
    rows = np.arange(height, dtype=np.float32)[:, None]
    cover = np.clip(rows - top[None, :], 0, 1)[..., None]
    tone = colour(*rng.uniform((60, 75, 60), (120, 120, 110))) * (light.zenith + light.horizon) * np.float32(0.4)
    tone = tone + (light.horizon - tone) * np.float32(0.45 - 0.3 * layer)
    texture = 1 + np.float32(0.15) * noise(rng, height, width, 24, 3)[..., None]
    picture += cover * (tone * texture - picture)


def houses(rng: Rng, road: Road, light: Light, far: float = 90.0) -> list[Surface]:
    """House fronts along both sides of a road, and their end walls; at times a side is open."""
    surfaces: list[Surface] = []
    for sign, edge in ((-1, road.left - road.pavement), (1, road.right + road.pavement)):
        if rng.random() < 0.2:
            continue
        y = rng.uniform(2, 6)
        while y < far:
            length, height, back = rng.uniform(4, 11), rng.choice([3.6, 6.8, 9.8, 13.0]) + rng.uniform(-0.4, 0.8), rng.uniform(0, 1.5)
            if rng.random() < 0.85:
                surfaces += _house(rng, sign, edge + sign * (back + 0.3), y, length, height, light)
            y += length + (rng.uniform(0.5, 5) if rng.random() < 0.25 else 0)
    return surfaces


def _house(rng: Rng, sign: int, x: float, y: float, length: float, height: float, light: Light) -> list[Surface]:
    wall = tuple(np.clip(np.float64(WALLS[int(rng.integers(len(WALLS)))]) * rng.uniform(0.75, 1.05), 0, 240))
    density = float(np.clip(700 / (y + 8), 12, 60))
    front = _front(rng, length, height, wall, density, light, np.float32([-sign, 0, 0]))  # type: ignore[arg-type]
    near, far = (y, y + length) if sign > 0 else (y + length, y)
    columns = np.linspace(far, near, 5)
    if sign < 0:
        columns = np.linspace(y, y + length, 5)
    points = np.float32([[[x, at, z] for at in columns] for z in (height, 0)])
    gable = Brush.blank(8, height, density * 0.5, tuple(c * 0.9 for c in wall), 0)  # type: ignore[arg-type]
    gable.dirt(rng, 0.3)
    base, gloss, _ = gable.materials()
    lit = shade(base, np.float32([[[0, -1, 0]]]), gloss, light)
    x1, x2 = (x, x + 8) if sign > 0 else (x - 8, x)
    end = np.float32([[[x1, y, height], [x2, y, height]], [[x1, y, 0], [x2, y, 0]]])
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
        brush.rect(0.4 * length, 0, 0.4 * length + 1, 2.2, tuple(rng.uniform(20, 110, 3)), 60)  # type: ignore[arg-type]
    brush.shade(0, 0.9, length, 0, 1, 0.75)
    brush.dirt(rng, rng.uniform(0, 0.35))
    base, gloss, glow = brush.materials()
    return Texture(shade(base, normal[None, None], gloss, light, glow * np.float32(0.25)))


def _windows(rng: Rng, brush: Brush, length: float, floor: float, storey: float, step: float, light: Light) -> None:
    frame = tuple(rng.uniform(150, 240) * np.ones(3)) if rng.random() < 0.6 else tuple(rng.uniform(20, 90) * np.ones(3))
    wide = rng.uniform(0.45, 0.75) * step
    if rng.random() < 0.3:  # a balcony
        brush.rect(0.2, floor - 0.1, length - 0.2, floor + 0.12, tuple(rng.uniform(90, 200) * np.ones(3)))  # type: ignore[arg-type]
    for x in np.arange(0.4, length - wide, step):
        low, high = floor + 0.3 * storey, floor + 0.85 * storey
        lit = rng.random() < 0.4
        brush.rect(x - 0.06, low - 0.06, x + wide + 0.06, high + 0.06, frame)  # type: ignore[arg-type]
        pane = tuple(np.float64((62, 52, 46)) * rng.uniform(0.4, 1.5))
        brush.rect(x, low, x + wide, high, pane, 220, (90, 150, 190) if lit else None)  # type: ignore[arg-type]
        brush.rect(x + wide / 2 - 0.03, low, x + wide / 2 + 0.03, high, frame)  # type: ignore[arg-type]
    brush.rect(0, floor - 0.08, length, floor, tuple(float(c) * 0.8 for c in brush.base[0, 0]))  # type: ignore[arg-type]


def _shop(rng: Rng, brush: Brush, length: float, storey: float, light: Light) -> None:
    """A shop window under a sign with lettering, at times a telephone number."""
    brush.rect(0.25, 0.1, length - 0.25, 0.72 * storey, tuple(rng.uniform(25, 70, 3)), 200, (60, 90, 110))  # type: ignore[arg-type]
    for _ in range(int(rng.integers(3, 12))):  # goods
        x, z, w, h = rng.uniform(0.3, length - 0.6), rng.uniform(0.1, 1.2), rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.7)
        brush.rect(x, z, min(x + w, length - 0.25), z + h, tuple(rng.uniform(30, 190, 3)), 60)  # type: ignore[arg-type]
    ground = tuple(rng.uniform(20, 235, 3))
    ink = (240, 240, 240) if np.mean(ground) < 130 else tuple(rng.uniform(10, 90, 3))
    brush.rect(0.1, 0.74 * storey, length - 0.1, 0.97 * storey, ground, 40, tuple(c * 0.5 for c in ground))  # type: ignore[arg-type]
    word = layouts.of(rng, layouts.LETTERS, int(rng.integers(3, 9))) + (
        " " + layouts.of(rng, layouts.LETTERS, 4) if rng.random() < 0.5 else ""
    )
    brush.write(rng, word, length / 2, 0.87 * storey, 0.11 * storey, ink, min(1.2, 0.8 * length / (0.11 * storey * len(word))))  # type: ignore[arg-type]
    if rng.random() < 0.5:
        brush.write(rng, layouts.of(rng, layouts.DIGITS, 10), length / 2, 0.78 * storey, 0.045 * storey, ink)  # type: ignore[arg-type]


def trees(rng: Rng, road: Road, light: Light, far: float = 80.0) -> list[Surface]:
    """Trees on the pavements: two sprites of them, used again at other sizes."""
    sprites = [_tree(rng, light) for _ in range(2)]
    surfaces = []
    for sign, edge in ((-1, road.left), (1, road.right)):
        if rng.random() < 0.45:
            continue
        y = rng.uniform(8, 20)
        while y < far:
            size = rng.uniform(3.5, 7)
            x = edge + sign * rng.uniform(0.8, max(1.0, road.pavement))
            surfaces.append(billboard(x, y, size * 0.8, size, sprites[int(rng.integers(2))]))
            y += rng.uniform(5, 18)
    return surfaces


def _tree(rng: Rng, light: Light, size: int = 160) -> Texture:
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    clumps = noise(rng, size, size, size / 5, 5)
    crown = 1 - np.hypot((x - 0.5) / 0.46, (y - 0.34) / 0.34) + 0.22 * clumps
    alpha = np.clip(crown * 14, 0, 1)
    trunk = np.clip((0.022 + 0.015 * y - np.abs(x - 0.5 - 0.02 * np.sin(9 * y))) * 90, 0, 1) * (y > 0.3)
    green = colour(*rng.uniform((25, 70, 45), (55, 125, 100)))
    sun_side = np.float32([light.to_sun[0], -light.to_sun[2]])
    lit = np.clip(0.55 + 0.35 * ((x - 0.5) * sun_side[0] + (y - 0.34) * sun_side[1]) * 2 + 0.35 * noise(rng, size, size, 9, 2), 0.08, 1.6)
    ambient = (light.zenith + light.horizon) * np.float32(0.5)
    leaves = green * (ambient * lit[..., None] + light.sun * np.maximum(lit - 0.6, 0)[..., None])
    bark = colour(55, 70, 80) * ambient * np.ones((size, size, 1), np.float32)
    return Texture(
        (leaves * alpha[..., None] + bark * (1 - alpha[..., None])).astype(np.float32), np.maximum(alpha, trunk).astype(np.float32)
    )


def billboard(x: float, y: float, width: float, height: float, texture: Texture, z: float = 0.0) -> Surface:
    """A flat thing that faces down the road."""
    x1, x2 = x - width / 2, x + width / 2
    return Surface(np.float32([[[x1, y, z + height], [x2, y, z + height]], [[x1, y, z], [x2, y, z]]]), texture)


def posts(rng: Rng, road: Road, light: Light) -> list[Surface]:
    """Lamp posts, and boards with words and numbers that are no plates."""
    surfaces = []
    for _ in range(int(rng.integers(1, 6))):
        sign, edge = (1, road.right) if rng.random() < 0.5 else (-1, road.left)
        x, y = edge + sign * rng.uniform(0.4, 2.5), rng.uniform(8, 45)
        height = rng.uniform(2.2, 7)
        surfaces.append(billboard(x, y, 0.1, height, _plain(light, (100, 102, 104))))
        if rng.random() < 0.75:
            width, tall = rng.uniform(0.4, 1.8), rng.uniform(0.3, 0.9)
            surfaces.append(
                billboard(
                    x, y - 0.06, width, tall, _board(rng, width, tall, light), rng.uniform(1.6, height - 0.3) if height > 2.6 else 1.6
                )
            )
    return surfaces


def _plain(light: Light, tone: Colour) -> Texture:
    lit = colour(*tone) * (light.zenith + light.horizon + light.sun) * np.float32(0.5)
    return Texture((lit * np.linspace(0.6, 1.2, 8, dtype=np.float32)[None, :, None] * np.ones((8, 8, 3), np.float32)).astype(np.float32))


def _board(rng: Rng, width: float, height: float, light: Light) -> Texture:
    ground = ((160, 90, 20), (60, 120, 20), (225, 225, 225), (30, 190, 230), (40, 30, 180))[int(rng.integers(5))]
    ink = (235, 235, 235) if np.mean(ground) < 120 else (30, 30, 30)
    brush = Brush.blank(width, height, 120, ink, 30)
    brush.rect(-width / 2 + 0.02, 0.02, width / 2 - 0.02, height - 0.02, ground, 30)
    for i in range(rows := int(rng.integers(1, 3))):
        alphabet = layouts.LETTERS if rng.random() < 0.7 else layouts.DIGITS
        word = layouts.of(rng, alphabet, int(rng.integers(2, 9)))
        tall = 0.55 * height / rows
        brush.write(rng, word, 0, height * (i + 0.5) / rows, tall, ink, min(1.0, 0.85 * width / (tall * len(word) * 0.8)))
    brush.dirt(rng, 0.15)
    base, gloss, _ = brush.materials()
    normals = np.float32([[[0, -1, 0]]])
    return Texture(shade(base, normals, gloss, light) + base * np.float32(0.6 * light.flash))


def lamp_glow(picture: F32, centre: F32, radius_px: float, tone: F32) -> None:
    """Add a lamp's bloom: a hot core, a halo and a faint streak, in place."""
    reach = int(max(4, 6 * radius_px))
    x1, y1 = np.maximum(np.floor(centre).astype(int) - reach, 0)
    x2, y2 = np.minimum(np.floor(centre).astype(int) + reach, picture.shape[1::-1])
    if x2 <= x1 or y2 <= y1:
        return
    x = (np.arange(x1, x2, dtype=np.float32) - centre[0])[None, :] / radius_px
    y = (np.arange(y1, y2, dtype=np.float32) - centre[1])[:, None] / radius_px
    square = x**2 + y**2
    bloom = 6 * np.exp(-square * 1.5) + 0.35 * np.exp(-square / 5) + 0.12 * np.exp(-(y**2) * 8) * np.exp(-np.abs(x) / 2.5)
    fade = np.clip(1.2 - np.sqrt(square) / 5, 0, 1)
    picture[y1:y2, x1:x2] += (bloom * fade)[..., None] * tone


def circle_texture(light: Light, tone: Colour, size: int = 32) -> Texture:
    """A shaded disc."""
    alpha = np.zeros((size, size), np.float32)
    cv2.circle(alpha, (size // 2, size // 2), size // 2 - 1, 1.0, -1, cv2.LINE_AA)
    lit = colour(*tone) * (light.zenith + light.horizon) * np.float32(0.5)
    return Texture((np.ones((size, size, 1), np.float32) * lit).astype(np.float32), alpha)
