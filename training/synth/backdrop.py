"""What stands around a street: sky, skyline, trees, posts and lettered boards."""

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
    tall = camera.focal_px * rng.uniform(0.008, 0.03) * (1.6 - layer)
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


def trees(rng: Rng, road: Road, light: Light, focal_px: float, near: float = 8.0, far: float = 80.0) -> list[Surface]:
    """Trees on the pavements: two sprites of them, used again at other sizes; none in a side street."""
    size_px = int(np.clip(focal_px / 5, 120, 420))
    sprites = [_tree(rng, light, size_px) for _ in range(2)]
    surfaces = []
    for side, edge in ((-1, road.left), (1, road.right)):
        if rng.random() < 0.45 and near <= 8:
            continue
        y = near + rng.uniform(0, 12)
        while y < far:
            size = rng.uniform(3.5, 7)
            x = edge + side * rng.uniform(0.8, max(1.0, road.pavement))
            if not any(street.meets(side, y - 3, y + 3) for street in road.side_streets):
                surfaces.append(billboard(x, y, size * 0.8, size, sprites[int(rng.integers(2))]))
            y += rng.uniform(5, 18)
    return surfaces


def _tree(rng: Rng, light: Light, size: int) -> Texture:
    """A trunk and clumps of leaves, each leaf lit by where it lies on its clump."""
    colour_of, alpha = np.zeros((size, size, 3), np.float32), np.zeros((size, size), np.float32)
    cv2.line(alpha, (size // 2, size), (size // 2, size // 3), 1.0, max(2, size // 36), cv2.LINE_AA)
    colour_of[:] = colour(55, 70, 80)
    green = colour(*rng.uniform((25, 75, 50), (50, 120, 95)))
    leaves = int(rng.integers(500, 800))
    clumps = np.stack([rng.normal(0.5, 0.15, 12), rng.normal(0.34, 0.12, 12), rng.uniform(0.09, 0.17, 12)], axis=1)
    owner = np.sort(rng.integers(0, 12, leaves))
    for clump, direction in zip(clumps[owner], rng.normal(0, 1, (leaves, 3)), strict=True):
        direction[1] = -abs(direction[1])
        direction /= np.linalg.norm(direction)
        at = (clump[:2] + clump[2] * direction[[0, 2]] * (1, -1)) * size
        facing = 0.5 + 0.5 * float(direction @ light.to_sun)
        tone = green * (0.25 + 0.75 * facing**2 + 0.35 * max(direction[2], 0)) * rng.uniform(0.7, 1.3)
        axes = (max(1, int(size * rng.uniform(0.012, 0.03))), max(1, int(size * rng.uniform(0.008, 0.018))))
        where = (np.clip(at, 3, size - 4).astype(int).tolist(), axes, float(rng.uniform(0, 180)), 0, 360)
        cv2.ellipse(colour_of, *where, tone.tolist(), -1, cv2.LINE_AA)
        cv2.ellipse(alpha, *where, 1.0, -1, cv2.LINE_AA)
    ambient = (light.zenith + light.horizon) * np.float32(0.6) + light.sun * np.float32(0.55)
    return Texture((colour_of * ambient).astype(np.float32), alpha)


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
