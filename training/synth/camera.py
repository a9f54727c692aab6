"""A pinhole camera over flat ground: x right along the picture at yaw 0, y forward, z up, metres; pictures in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpr.types import F32

NEAR_M = 0.5
"""What is nearer than this is not projected: callers cut it away first."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Where it stands and how it looks: yaw to the right, pitch down, roll clockwise, radians."""

    size: tuple[int, int]  # (w, h)
    focal_px: float
    at: tuple[float, float, float]
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    @property
    def axes(self) -> F32:
        """Rows: the picture's right, down and forward in the world."""
        sy, cy, sp, cp = np.sin(self.yaw), np.cos(self.yaw), np.sin(self.pitch), np.cos(self.pitch)
        forward = np.array([sy * cp, cy * cp, -sp])
        right = np.array([cy, -sy, 0.0])
        down = np.cross(forward, right)
        turn = np.array([[np.cos(self.roll), np.sin(self.roll)], [-np.sin(self.roll), np.cos(self.roll)]])
        right, down = turn @ np.stack([right, down])
        return np.stack([right, down, forward]).astype(np.float32)

    def project(self, points: F32) -> tuple[F32, F32]:
        """World points (…, 3) → pixels (…, 2), depth in metres (…). Depth below NEAR_M: the pixel means nothing."""
        seen = (points - np.float32(self.at)) @ self.axes.T
        depth = seen[..., 2]
        pixels = seen[..., :2] * (self.focal_px / np.maximum(depth, 1e-3))[..., None] + np.float32(self.size) / 2
        return pixels.astype(np.float32), depth.astype(np.float32)

    def rays(self) -> F32:
        """(h, w, 3) the world's direction behind every pixel's centre, not normalised: one metre of depth long."""
        width, height = self.size
        x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / self.focal_px
        y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2) / self.focal_px
        right, down, forward = self.axes
        return x[None, :, None] * right + y[:, None, None] * down + forward

    def horizon_px(self) -> float:
        """Row of the horizon in the picture's middle column."""
        return float(self.size[1] / 2 - self.focal_px * np.tan(self.pitch))
