"""Textured surfaces of the world, drawn into a picture in true perspective, far parts first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from alpr.types import F32
from training.synth.camera import NEAR_M, Camera

SUPERSAMPLE = 2
"""Surfaces are drawn at so many times the picture's resolution and shrunk by area: edges come out soft."""


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """What a surface shows, with its mip-maps: smaller copies by area, made when first wanted."""

    bgr: F32  # (h, w, 3) linear light
    alpha: F32 | None = None  # (h, w) 0..1
    _levels: dict[int, tuple[F32, F32 | None]] = field(default_factory=dict)

    def level(self, halvings: int) -> tuple[F32, F32 | None]:
        """Colour and alpha, halved so many times."""
        if halvings not in self._levels:
            size = tuple(max(2, side >> halvings) for side in self.bgr.shape[1::-1])
            bgr, alpha = (a if a is None else cv2.resize(a, size, interpolation=cv2.INTER_AREA) for a in (self.bgr, self.alpha))
            self._levels[halvings] = (bgr, alpha)
        return self._levels[halvings]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A grid of points that carries a texture; its cells face the viewer where they run clockwise in the picture."""

    points: F32  # (r, c, 3): row 0 is the texture's first row
    texture: Texture
    offset_m: float = 0.0  # towards the viewer, for the order of drawing only

    def moved(self, turn: F32, at: F32) -> Surface:
        """The same surface in the world: turned by a (3, 3) matrix, then moved."""
        return Surface((self.points @ turn.T + at).astype(np.float32), self.texture, self.offset_m)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Something drawn for a part of a picture: premultiplied linear light and coverage, in the picture's own pixels."""

    x: int
    y: int
    bgr: F32  # (h, w, 3) premultiplied
    alpha: F32  # (h, w)

    def onto(self, picture: F32) -> None:
        """Lay it over a picture (h, w, 3), in place."""
        under = picture[self.y : self.y + self.alpha.shape[0], self.x : self.x + self.alpha.shape[1]]
        under *= 1 - self.alpha[..., None]
        under += self.bgr


def draw(camera: Camera, surfaces: Sequence[Surface], supersample: int = SUPERSAMPLE) -> Layer | None:
    """Surfaces as the camera sees them; None where they lie outside the picture. Cells nearer than NEAR_M are left out."""
    seen = [camera.project(surface.points) for surface in surfaces]
    visible = [pixels[depth > NEAR_M] for pixels, depth in seen]
    corners = np.concatenate(visible) if visible else np.zeros((0, 2), np.float32)
    if not len(corners):
        return None
    low = np.clip(np.floor(corners.min(axis=0)) - 1, 0, camera.size).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, camera.size).astype(int)
    if (high - low < 1).any():
        return None
    width, height = ((high - low) * supersample).tolist()
    bgr, alpha = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    cells = [
        cell for surface, (pixels, depth) in zip(surfaces, seen, strict=True) for cell in _cells(surface, pixels, depth, low, supersample)
    ]
    for cell in sorted(cells, key=lambda cell: -cell.depth):
        _fill(bgr, alpha, cell)
    if supersample > 1:
        size = (width // supersample, height // supersample)
        bgr, alpha = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    return Layer(int(low[0]), int(low[1]), bgr, alpha)


@dataclass(frozen=True, slots=True, eq=False)
class _Cell:
    """One visible cell: its texture, the part of it, and where that goes."""

    depth: float
    texture: Texture
    part: tuple[float, float, float, float]  # x1 y1 x2 y2, shares of the texture
    quad: F32  # (4, 2) on the canvas
    texels_per_px: float


def _cells(surface: Surface, pixels: F32, depth: F32, low: np.ndarray, supersample: int) -> list[_Cell]:
    """The cells of a surface that face the camera and are not behind it."""
    at = (pixels - low) * np.float32(supersample)
    quads = np.stack([at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]], axis=2)  # (r, c, 4, 2)
    following = quads[:, :, [1, 2, 3, 0]]
    area = (quads[..., 0] * following[..., 1] - following[..., 0] * quads[..., 1]).sum(axis=-1) / 2
    depths = np.stack([depth[:-1, :-1], depth[:-1, 1:], depth[1:, 1:], depth[1:, :-1]])
    nearest, middle = depths.min(axis=0), depths.mean(axis=0) - surface.offset_m
    rows, columns = area.shape
    texels = surface.texture.bgr[..., 0].size / (rows * columns)
    return [
        _Cell(
            float(middle[r, c]),
            surface.texture,
            (c / columns, r / rows, (c + 1) / columns, (r + 1) / rows),
            quads[r, c],
            texels / float(area[r, c]),
        )
        for r, c in np.argwhere((area > 0.05) & (nearest > NEAR_M))
    ]


def _fill(bgr: F32, alpha: F32, cell: _Cell) -> None:
    """Draw one cell onto a premultiplied canvas, in place."""
    x1, y1, x2, y2 = _bounds(cell.quad, alpha.shape)
    if x2 <= x1 or y2 <= y1:
        return
    texture, cover = cell.texture.level(int(np.clip(np.log2(max(cell.texels_per_px, 1)) / 2 + 0.25, 0, 6)))
    u1, v1, u2, v2 = np.multiply(cell.part, (texture.shape[1], texture.shape[0]) * 2).tolist()
    source = np.array([[u1, v1], [u2, v1], [u2, v2], [u1, v2]], np.float32) - np.float32(0.5)
    target = (cell.quad - np.float32([x1 + 0.5, y1 + 0.5])).astype(np.float32)
    warp = cv2.getPerspectiveTransform(source, target)
    size = (x2 - x1, y2 - y1)
    drawn = cv2.warpPerspective(texture, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros(size[::-1], np.float32)
    cv2.fillConvexPoly(mask, np.round(target * 16).astype(np.int32), 1, cv2.LINE_8, 4)
    part, part_alpha = bgr[y1:y2, x1:x2], alpha[y1:y2, x1:x2]
    if cover is None:
        cv2.copyTo(drawn, mask.astype(np.uint8), part)
        np.maximum(part_alpha, mask, out=part_alpha)
        return
    mask *= cv2.warpPerspective(cover, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    part += (drawn - part) * mask[..., None]
    part_alpha += (1 - part_alpha) * mask


def _bounds(quad: F32, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    (x1, y1), (x2, y2) = quad.min(axis=0).tolist(), quad.max(axis=0).tolist()
    return max(0, int(np.floor(x1))), max(0, int(np.floor(y1))), min(shape[1], int(np.ceil(x2)) + 1), min(shape[0], int(np.ceil(y2)) + 1)
