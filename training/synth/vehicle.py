"""A vehicle as surfaces in its own frame, how it stands on the road, and the plate that it carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpr.types import F32, U8
from training.synth.light import Light, shade
from training.synth.surface import Surface, Texture
from training.synth.texture import linear

Rng = np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class Vehicle:
    """Surfaces in the vehicle's own frame (its seen end at y = 0, facing -y), and where its plate is."""

    kind: str  # car | van | bus | truck | motorcycle
    end: str  # front | rear
    surfaces: tuple[Surface, ...]
    plate: F32 | None  # (4, 3) corners clockwise from the top left
    width: float
    length: float
    height: float
    lamps: F32  # (n, 3) where light comes out of the seen end


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Where a vehicle's seen end stands on the ground, and how far its far end is turned to the right of straight ahead."""

    x: float
    y: float
    turn_rad: float = 0.0

    def placed(self, points: F32) -> F32:
        """Points of the vehicle (…, 3) → of the world."""
        return (points @ self.matrix.T + np.float32([self.x, self.y, 0])).astype(np.float32)

    @property
    def matrix(self) -> F32:
        c, s = np.cos(self.turn_rad), np.sin(self.turn_rad)
        return np.float32([[c, s, 0], [-s, c, 0], [0, 0, 1]])


def plate_metres(aspect: float, motorcycle: bool = False) -> tuple[float, float]:
    """Width and height of a plate from its shape, after the sizes in use: 520x110, 400x130, 330x165, 190x140 mm …"""
    height = 0.14 if motorcycle else float(np.interp(aspect, [1.2, 2.0, 2.4, 3.1, 4.6], [0.2, 0.165, 0.155, 0.13, 0.113]))
    return height * aspect, height


def plate_surface(corners: F32, plate: U8, light: Light, turn: F32, end: str) -> Surface:
    """The plate as it shines: lit like the body, thrown back from a flash, lit by its own lamp behind at night."""
    base = linear(plate)
    normals = (turn @ np.float32([0, -0.99, 0.12]))[None, None]
    lamp = (0.22 if end == "rear" else 0.05) * light.lamps
    lit = shade(base, normals, np.full(base.shape[:2], 0.12, np.float32), light)
    lit += base * np.float32(lamp * 0.8 + 1.1 * light.flash)
    return Surface(np.stack([corners[:2], corners[[3, 2]]]), Texture(lit), offset_m=0.4)


def plate_corners(rng: Rng, y: float, z: float, size: tuple[float, float]) -> F32:
    """(4, 3) clockwise from the top left; leaning back a little, mounted not quite level."""
    lean, roll, x = rng.uniform(-0.05, 0.14), rng.normal(0, 0.008), rng.normal(0, 0.01)
    flat = np.float32([[-1, 1], [1, 1], [1, -1], [-1, -1]]) * np.float32(size) / 2
    turned = flat @ np.float32([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    return np.stack([turned[:, 0] + x, y + turned[:, 1] * np.sin(lean), z + turned[:, 1] * np.cos(lean)], axis=1).astype(np.float32)


def upright(x1: float, x2: float, z1: float, z2: float, y: float) -> F32:
    return np.float32([[[x1, y, z2], [x2, y, z2]], [[x1, y, z1], [x2, y, z1]]])
