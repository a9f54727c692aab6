"""A rendered camera of known geometry: plates of a height, a slant, a speed and a shutter, on a rendered street."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from alpr.types import F32, U8, Frame
from training.degradation.effects.optics import disc_kernel, motion_kernel
from training.synth import glyphs, layouts
from training.synth.glyphs import Face
from training.synth.plates import RenderedPlate, render_plate
from training.synth.street import random_setting
from training.synth.texture import display

FINER = 3
"""Drawn so many times finer than the camera's pixels, blurred there, and shrunk by area, as light falls on a sensor."""
SIZE = (640, 480)
FPS = 25
BODY = (70, 60, 55)


@dataclass(frozen=True, slots=True)
class Aim:
    """What is known about the camera and its plates."""

    height_px: float = 25.0
    slant_deg: float = 0.0
    lean_deg: float = 0.0
    speed_px_s: float = 0.0
    heading_deg: float = 90.0  # 0 to the right, 90 down the picture
    shutter_s: float = 0.0
    defocus_px: float = 0.0
    gain: float = 1.0
    noise: float = 3.0
    lines: int = 1

    @property
    def blur_px(self) -> float:
        return self.speed_px_s * self.shutter_s


@dataclass(slots=True)
class Road:
    """Renders what a camera sees."""

    rng: np.random.Generator
    size: tuple[int, int] = SIZE
    faces: Mapping[str, Face] = field(init=False)
    empty: U8 = field(init=False)

    def __post_init__(self) -> None:
        self.faces = glyphs.faces(np.random.default_rng(0))
        picture = random_setting(self.rng, self.size).picture
        self.empty = display(picture, 0.26 / max(1e-3, float(np.median(picture))))

    def plate(self, lines: int = 1) -> RenderedPlate:
        """A Vietnamese plate, hardly worn."""
        while len((layout := layouts.sample(self.rng, ("VN",))).lines) != lines:
            pass
        return render_plate(self.rng, self.faces, layout, line_px=88, wear=0.3)

    def shot(self, aim: Aim, plate: RenderedPlate, at: tuple[float, float]) -> tuple[U8, F32]:
        """A picture with a plate about a point, and the plate's corners (4, 2)."""
        quad = corners(aim, plate, at)
        bgr = self.empty.astype(np.float32)
        low, high = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 30, 0), np.ceil(quad.max(axis=0)).astype(int) + 30
        ground = bgr[low[1] : high[1], low[0] : high[0]]
        ground[:] = cv2.resize(_blurred(_carrying(ground, plate.bgr, quad - low), aim), ground.shape[1::-1], interpolation=cv2.INTER_AREA)
        bgr = bgr * aim.gain + self.rng.normal(0, aim.noise, bgr.shape)
        return np.clip(bgr, 0, 255).astype(np.uint8), quad

    def passes(self, aim: Aim, vehicles: int = 3, frames: int = 8, camera: str = "road") -> Iterator[Frame]:
        """Vehicles that pass one after the other, with a second and a half between them, in which the last one is lost."""
        number = 0
        step = aim.speed_px_s / FPS * np.array([np.cos(np.deg2rad(aim.heading_deg)), np.sin(np.deg2rad(aim.heading_deg))])
        middle = np.array(self.size) / 2
        for _ in range(vehicles):
            plate = self.plate(aim.lines)
            for count in range(frames):
                at = middle + step * (count - (frames - 1) / 2)
                yield _frame(self.shot(aim, plate, (float(at[0]), float(at[1])))[0], camera, number)
                number += 1
            number += 3 * FPS // 2


def corners(aim: Aim, plate: RenderedPlate, at: tuple[float, float]) -> F32:
    """A plate's corners about a point, clockwise from its top left."""
    height, width = aim.height_px, aim.height_px * plate.bgr.shape[1] / plate.bgr.shape[0]
    flat = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    turn = np.deg2rad(aim.slant_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    leaning = np.array([[1, -np.tan(np.deg2rad(aim.lean_deg))], [0, 1]])
    return (flat @ (rotation @ leaning).T + at).astype(np.float32)


def _carrying(ground: F32, plate: U8, quad: F32) -> F32:
    """The ground, finer, with a plate on a dark body."""
    fine = cv2.resize(ground, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_CUBIC)
    middle = quad.mean(axis=0)
    body = ((quad - middle) * (1.6, 2.6) + middle) * FINER
    cv2.fillConvexPoly(fine, np.round(body).astype(np.int32), BODY)
    height, width = (max(4, int(np.linalg.norm(quad[i] - quad[0]) * FINER)) for i in (3, 1))
    small = cv2.resize(plate, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    flat = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    warp = cv2.getPerspectiveTransform(flat - 0.5, (quad * FINER - 0.5).astype(np.float32))
    drawn, mask = (cv2.warpPerspective(each, warp, fine.shape[1::-1]) for each in (small, np.ones((height, width), np.float32)))
    return (fine + (drawn - fine) * mask[..., None]).astype(np.float32)


def _blurred(fine: F32, aim: Aim) -> F32:
    if aim.blur_px:
        fine = cv2.filter2D(fine, -1, motion_kernel(aim.blur_px * FINER, aim.heading_deg), borderType=cv2.BORDER_REPLICATE)
    if aim.defocus_px:
        fine = cv2.filter2D(fine, -1, disc_kernel(aim.defocus_px * FINER), borderType=cv2.BORDER_REPLICATE)
    return fine


def _frame(bgr: U8, camera: str, number: int) -> Frame:
    return Frame(bgr, camera, number, number * 10**9 // FPS, 1_700_000_000 + number / FPS, number * 10**9 // FPS)
