"""The shapes of vehicles: a side profile swept across the width, with rounded edges, and the sides that close it.

Local frame of a vehicle: the end that the camera sees is at y = 0 and faces -y; x to the viewer's right; z up; metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alpr.types import F32

CROWN_M = 0.045
"""How far the middle of each panel bulges beyond its edges."""
ROUND_M = 0.09
"""Radius of the long edges."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A body: corners of its side profile, from the low edge of the seen end over the roof to the low edge of the other."""

    profile: tuple[tuple[float, float], ...]  # (y, z)
    glass: tuple[int, int]  # corners between which the seen end's window lies
    far_glass: tuple[int, int] | None
    width: float
    roof_width: float  # share of the width that is left at the roof
    wheel: float  # radius
    axles: tuple[float, ...]  # y of the axles
    round_m: float = ROUND_M
    crown_m: float = CROWN_M

    @property
    def height(self) -> float:
        return max(z for _, z in self.profile)

    @property
    def length(self) -> float:
        return max(y for y, _ in self.profile)


SEDAN_REAR = Shape(
    ((0.12, 0.25), (0.03, 0.36), (0.0, 0.55), (0.03, 0.68), (0.05, 0.92), (0.13, 1.03), (0.5, 1.07), (1.2, 1.40), (1.55, 1.46),
     (2.45, 1.45), (2.75, 1.39), (3.5, 0.98), (4.3, 0.86), (4.45, 0.7), (4.42, 0.28)), (6, 7), (10, 11), 1.78, 0.74, 0.32, (0.95, 3.6),
)  # fmt: skip
SEDAN_FRONT = Shape(
    ((0.1, 0.2), (0.02, 0.34), (0.0, 0.5), (0.05, 0.68), (0.16, 0.79), (0.95, 0.97), (1.75, 1.38), (2.1, 1.46), (3.0, 1.45),
     (3.35, 1.38), (3.95, 1.08), (4.4, 1.0), (4.46, 0.6), (4.4, 0.28)), (5, 6), (9, 10), 1.78, 0.74, 0.32, (0.85, 3.5),
)  # fmt: skip
HATCH_REAR = Shape(
    ((0.1, 0.28), (0.02, 0.4), (0.0, 0.58), (0.03, 0.72), (0.07, 0.98), (0.13, 1.06), (0.5, 1.46), (0.72, 1.53), (2.1, 1.52), (2.4, 1.45),
     (3.15, 1.02), (3.85, 0.88), (3.98, 0.7), (3.95, 0.3)), (5, 6), (9, 10), 1.72, 0.76, 0.32, (0.75, 3.25),
)  # fmt: skip
SUV_REAR = Shape(
    ((0.12, 0.34), (0.02, 0.5), (0.0, 0.68), (0.04, 0.82), (0.07, 1.08), (0.11, 1.14), (0.36, 1.58), (0.6, 1.7), (2.6, 1.7), (3.0, 1.62),
     (3.6, 1.18), (4.45, 1.05), (4.6, 0.8), (4.55, 0.38)), (5, 6), (9, 10), 1.86, 0.78, 0.37, (0.9, 3.65),
)  # fmt: skip
SUV_FRONT = Shape(
    ((0.1, 0.28), (0.02, 0.45), (0.0, 0.62), (0.03, 0.9), (0.16, 1.04), (1.05, 1.16), (1.75, 1.6), (2.05, 1.7), (4.1, 1.68), (4.5, 1.1),
     (4.6, 0.7), (4.55, 0.36)), (5, 6), None, 1.86, 0.78, 0.37, (0.9, 3.65),
)  # fmt: skip
VAN_REAR = Shape(
    ((0.06, 0.34), (0.0, 0.48), (0.0, 0.66), (0.05, 0.78), (0.07, 1.14), (0.09, 1.18), (0.2, 1.72), (0.38, 1.94), (3.4, 1.96), (3.9, 1.75),
     (4.5, 1.22), (4.9, 1.05), (4.95, 0.4)), (5, 6), (9, 10), 1.84, 0.86, 0.34, (0.95, 3.95),
)  # fmt: skip
VAN_FRONT = Shape(
    ((0.08, 0.26), (0.01, 0.42), (0.0, 0.6), (0.06, 0.88), (0.22, 1.02), (0.55, 1.14), (1.25, 1.76), (1.6, 1.94),
     (4.7, 1.95), (4.9, 1.7), (4.95, 0.4)), (5, 6), None, 1.84, 0.86, 0.34, (0.95, 3.95),
)  # fmt: skip
BUS_REAR = Shape(
    ((0.06, 0.4), (0.0, 0.55), (0.0, 1.2), (0.03, 1.5), (0.05, 1.62), (0.12, 2.45), (0.3, 2.85), (7.5, 2.9), (7.8, 2.6), (7.9, 0.4)),
    (4, 5), None, 2.3, 0.92, 0.45, (1.9, 6.2),
)  # fmt: skip
BUS_FRONT = Shape(
    ((0.05, 0.35), (0.0, 0.5), (0.0, 0.95), (0.05, 1.15), (0.07, 1.22), (0.3, 2.4), (0.5, 2.82), (7.5, 2.9), (7.8, 2.6), (7.9, 0.4)),
    (4, 5), None, 2.3, 0.92, 0.45, (1.6, 6.0),
)  # fmt: skip
CAB_FRONT = Shape(
    ((0.06, 0.36), (0.0, 0.5), (0.0, 0.85), (0.03, 1.2), (0.06, 1.3), (0.24, 2.02), (0.5, 2.25), (1.6, 2.28), (1.65, 0.6)),
    (4, 5), None, 1.95, 0.9, 0.42, (0.9, 4.6),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """A profile made smooth, and where its corners went."""

    line: F32  # (n, 2) y, z
    along: F32  # (n,) metres along the profile from its start
    corners: F32  # metres along the profile of the shape's own corners

    def along_at_z(self, z: float) -> float:
        """Metres along the profile at a height of the seen end."""
        top = int(np.argmax(self.line[:, 1]))
        return float(np.interp(z, self.line[: top + 1, 1], self.along[: top + 1]))

    def y_at_z(self, z: float) -> float:
        return float(np.interp(self.along_at_z(z), self.along, self.line[:, 0]))


def swept(shape: Shape, smoothings: int = 2) -> Swept:
    """Cut the corners of a profile (Chaikin), end points kept."""
    line = np.float32(shape.profile)
    for _ in range(smoothings):
        near, far = 0.78 * line[:-1] + 0.22 * line[1:], 0.22 * line[:-1] + 0.78 * line[1:]
        line = np.concatenate([line[:1], np.stack([near, far], axis=1).reshape(-1, 2), line[-1:]])
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    corners = [along[np.argmin(np.linalg.norm(line - np.float32(corner), axis=1))] for corner in shape.profile]
    return Swept(line.astype(np.float32), along.astype(np.float32), np.float32(corners))


def half_width(shape: Shape, y: F32, z: F32) -> F32:
    """Half the body's width: narrower above the belt, a little at the ends and at the sill."""
    belt = 0.62 * shape.height
    up = np.clip((z - belt) / (shape.height - belt), 0, 1)
    end = np.clip(1 - y / (0.16 * shape.length), 0, 1) ** 2 + np.clip(1 - (shape.length - y) / (0.16 * shape.length), 0, 1) ** 2
    low = np.clip(1 - z / 0.5, 0, 1)
    taper = (1 - (1 - shape.roof_width) * up**1.15) * (1 - 0.09 * end) * (1 - 0.05 * low)
    return (shape.width / 2 * taper).astype(np.float32)


def over(shape: Shape, sweep: Swept, rows: Sequence[float], columns: int = 15) -> tuple[F32, F32]:
    """The swept surface at given metres along the profile → points (r, c, 3) and unit normals (r, c, 3)."""
    at = np.float32(rows)
    y, z = (np.interp(at, sweep.along, sweep.line[:, i]) for i in (0, 1))
    step = 0.02
    ahead, behind = ([np.interp(at + s, sweep.along, sweep.line[:, i]) for i in (0, 1)] for s in (step, -step))
    tangent = np.stack([ahead[0] - behind[0], ahead[1] - behind[1]], axis=-1)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-6)
    outward = np.stack([-tangent[:, 1], tangent[:, 0]], axis=-1)  # left of the way up is the outside
    u = np.linspace(-1, 1, columns, dtype=np.float32)
    width = half_width(shape, y, z)
    edge = np.clip((np.abs(u) - (1 - shape.round_m / (shape.width / 2))) / (shape.round_m / (shape.width / 2)), 0, 1)
    inset = shape.crown_m * u**2 + shape.round_m * (1 - np.sqrt(np.maximum(1 - edge**2, 0)))
    points = np.empty((len(at), columns, 3), np.float32)
    points[..., 0] = width[:, None] * u
    points[..., 1] = y[:, None] - outward[:, None, 0] * inset
    points[..., 2] = z[:, None] - outward[:, None, 1] * inset
    sideways = np.sign(u) * np.minimum(2 * shape.crown_m * np.abs(u) / (shape.width / 2) * 1.5 + edge**1.5 * 0.9, 1)
    normals = np.empty_like(points)
    normals[..., 0] = sideways
    rest = np.sqrt(np.maximum(1 - sideways**2, 0))
    normals[..., 1:] = outward[:, None, :] * rest[None, :, None]
    return points, normals


def side(shape: Shape, sweep: Swept, right: bool, rows: int = 5, columns: int = 9) -> tuple[F32, F32, tuple[float, float, float, float]]:
    """A side as a grid over (y, z) → points, normals, and (y0, y1, z0, z1). It is wider than the body: alpha cuts it out."""
    y0, y1, z0, z1 = -0.02, shape.length + 0.02, 0.0, shape.height
    y, z = np.linspace(y0, y1, columns), np.linspace(z1, z0, rows)
    if not right:
        y = y[::-1]
    grid_y, grid_z = np.meshgrid(y, z)
    width = half_width(shape, grid_y, np.maximum(grid_z, 0.3))
    sign = 1.0 if right else -1.0
    points = np.stack([sign * width, grid_y, grid_z], axis=-1).astype(np.float32)
    lean = np.clip((grid_z - 0.62 * shape.height) / shape.height * 1.3, -0.12, 0.5)
    normals = np.stack([sign * np.ones_like(lean), np.zeros_like(lean), lean], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return points, normals.astype(np.float32), (y0, y1, z0, z1)
