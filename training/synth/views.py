"""See a rendered plate as a camera or a detector's crop would: in perspective, on a car, with loose or cut margins."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from alpr.types import F32, U8

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class View:
    """A crop with one plate in it, and the plate's corners there (4, 2) clockwise from its top left."""

    bgr: U8
    quad: F32


@dataclass(frozen=True, slots=True)
class Pose:
    """How far a view may stray from a straight, tight crop."""

    rotation_deg: float  # standard deviation
    shear: float  # standard deviation, of x by y and of y by x
    perspective: float  # largest shift of a corner per plate size
    margin: tuple[float, float]  # per plate size; below 0 cuts into the plate


RECTIFIED = Pose(1.2, 0.025, 0.02, (-0.01, 0.12))
"""What the detector's corners leave."""
LOOSE = Pose(4.0, 0.08, 0.05, (-0.03, 0.3))
"""What a box without corners leaves: slant, and a margin of anything."""
WILD = Pose(11.0, 0.2, 0.09, (-0.01, 0.5))


def view(rng: Rng, plate: U8, pose: Pose) -> View:
    """Place a plate into a crop under a random pose of that spread; the ground around it is a car, a frame or a shadow."""
    height, width = plate.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    quad = _posed(rng, corners, pose)
    low, high = quad.min(axis=0), quad.max(axis=0)
    extent = high - low
    margins = rng.uniform(*pose.margin, (2, 2)) * extent if rng.random() < 0.6 else np.full((2, 2), rng.uniform(*pose.margin)) * extent
    quad = quad - (low - margins[0]).astype(np.float32)
    out_w, out_h = np.maximum(np.round(extent + margins.sum(axis=0)), 8).astype(int)
    warp = cv2.getPerspectiveTransform(corners - 0.5, quad - 0.5)
    seen = cv2.warpPerspective(plate, warp, (int(out_w), int(out_h)), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    mask = cv2.warpPerspective(np.full(plate.shape[:2], 255, np.uint8), warp, (int(out_w), int(out_h)), flags=cv2.INTER_LINEAR)
    around = surroundings(rng, int(out_h), int(out_w))
    if rng.random() < 0.4:  # a plate holder's rim
        rim = cv2.dilate(mask, np.ones((3, 3), np.uint8), iterations=int(rng.integers(1, 4)))
        around[rim > 127] = rng.uniform(5, 90, 3)
    alpha = mask[..., None].astype(np.float32) * np.float32(1 / 255)
    return View((around + alpha * (seen - around)).astype(np.uint8), quad.astype(np.float32))


def surroundings(rng: Rng, height: int, width: int) -> F32:
    """Body work, bumper or night around a plate: a colour, a gradient, a few edges, some texture."""
    colour = rng.uniform(0, 255) * rng.uniform(0.6, 1.2, 3) if rng.random() < 0.7 else rng.uniform(0, 60, 3)
    grid = (rng.normal(0, 1, (3, 4, 1)) * rng.uniform(0, 45) + colour).astype(np.float32)
    around: F32 = cv2.resize(np.broadcast_to(grid, (3, 4, 3)).copy(), (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    for _ in range(int(rng.integers(0, 4))):
        a, b = (rng.uniform(-0.2, 1.2, (2, 2)) * (width, height)).astype(int).tolist()
        cv2.line(around, a, b, rng.uniform(0, 255, 3).tolist(), int(rng.integers(1, max(2, height // 6))), cv2.LINE_AA)
    return np.clip(around, 0, 255).astype(np.float32)


def _posed(rng: Rng, corners: F32, pose: Pose) -> F32:
    size = corners[2]
    centred = corners - size / 2
    angle = np.deg2rad(rng.normal(0, pose.rotation_deg))
    shear = np.array([[1, rng.normal(0, pose.shear)], [rng.normal(0, pose.shear), 1]])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    posed = centred @ (turn @ shear).T + rng.uniform(-pose.perspective, pose.perspective, (4, 2)) * size.min()
    squeeze = np.array([rng.uniform(0.85, 1.05), rng.uniform(0.9, 1.1)])  # a turned car shortens its plate
    return (posed * squeeze).astype(np.float32)
