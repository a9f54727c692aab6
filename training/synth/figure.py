"""Rounded things drawn flat: every part bulges as its outline says, so that light falls on it as on a body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from alpr.types import F32, U8
from training.synth.brush import Brush, Colour, Point
from training.synth.light import Light, shade
from training.synth.surface import Texture
from training.synth.texture import noise

Rng = np.random.Generator


@dataclass(slots=True, eq=False)
class Figure:
    """A brush with a normal and a coverage for every texel; x is 0 in the middle, up is 0 at the ground."""

    brush: Brush
    normals: F32  # (h, w, 3)
    alpha: U8

    @staticmethod
    def blank(width: float, height: float, px_per_m: float) -> Figure:
        brush = Brush.blank(width, height, px_per_m, (30, 30, 30), 0)
        normals = np.zeros(brush.base.shape, np.float32)
        normals[..., 1] = -1
        return Figure(brush, normals, np.zeros(brush.gloss.shape, np.uint8))

    def part(
        self,
        points: Sequence[Point] | F32,
        colour: Colour,
        round_m: float = 0.05,
        gloss: int = 0,
        glow: Colour | None = None,
        both: bool = False,
    ) -> None:
        """Add a part in front of what is there; its edge is rounded over `round_m`. `both`: its mirror image too."""
        for mirror in (1, -1) if both else (1,):
            at = [(mirror * x, y) for x, y in points]
            self.brush.poly(at, colour, gloss, glow if glow is not None else (0, 0, 0))
            self._bulge(at, round_m)

    def oval(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: Colour,
        round_m: float = 0.05,
        gloss: int = 0,
        glow: Colour | None = None,
        both: bool = False,
    ) -> None:
        angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        self.part(np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1), colour, round_m, gloss, glow, both)

    def limb(self, points: Sequence[Point], radii: Sequence[float], colour: Colour, gloss: int = 0, both: bool = False) -> None:
        """A chain of capsules: an arm, a leg, a pipe."""
        for (a, ra), (b, rb) in pairwise(zip(points, radii, strict=True)):
            angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
            ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
            hull = cv2.convexHull(np.concatenate([np.float32(a) + ra * ring, np.float32(b) + rb * ring]).astype(np.float32))[:, 0]
            self.part(hull, colour, 0.9 * min(ra, rb), gloss, both=both)

    def texture(self, rng: Rng, light: Light, turn: F32, folds: float = 0.13) -> Texture:
        """Light falls on it; cloth and skin are uneven by `folds`."""
        rows, columns = self.alpha.shape
        uneven = np.stack([noise(rng, rows, columns, 0.12 * self.brush.px_per_m, 3) for _ in range(2)], axis=-1)
        normals = self.normals.copy()
        normals[..., 0] += folds * uneven[..., 0]
        normals[..., 2] += folds * uneven[..., 1]
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        base, gloss, glow = self.brush.materials()
        return Texture(shade(base, normals @ turn.T, gloss, light, glow), self.alpha.astype(np.float32) / 255)

    def _bulge(self, points: Sequence[Point], round_m: float) -> None:
        mask = np.zeros(self.alpha.shape, np.uint8)
        cv2.fillPoly(mask, [np.round((self.brush.pixels(points) - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        inside = cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, 3) / (round_m * self.brush.px_per_m)
        height = cv2.GaussianBlur(np.sqrt(np.maximum(1 - (1 - np.minimum(inside, 1)) ** 2, 0)), (0, 0), 1.0) * (
            round_m * self.brush.px_per_m
        )
        slope_x, slope_y = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=1 / 8)
        normals = np.stack([-slope_x, -np.ones_like(height), slope_y], axis=-1)
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        self.normals[mask > 127] = normals[mask > 127]
        np.maximum(self.alpha, mask, out=self.alpha)
