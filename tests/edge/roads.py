"""A road under a camera whose pose is known, for the tests of speeds: its points in the picture, and plates that drive along it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from alpr.imaging import quad_from_box
from alpr.types import F32, Course, Frame, Track
from edge.zones import Courses, Ground, Mark, Road
from edge.zones.plane import F64
from edge.zones.road import plane_of
from training.synth.camera import Camera

HEIGHT_M, PLATE_M = 6.0, 0.6
CAMERA = Camera((1280, 720), 1400.0, (0.0, 0.0, HEIGHT_M), np.deg2rad(8), np.deg2rad(18), np.deg2rad(1))
CORNERS = ((-2.0, 14.0), (2.0, 14.0), (2.5, 34.0), (-2.5, 34.0))
"""Of the road's known part, metres: its nearer end lies 14 m before the camera."""
PLATE_HIGH_M = 0.11


def shares(places: Sequence[tuple[float, float]], camera: Camera = CAMERA) -> F64:
    """Where points of the road (n, 2) are in the picture."""
    pixels, _ = camera.project(np.array([[x, y, 0.0] for x, y in places], np.float32))
    return np.asarray(pixels, np.float64) / camera.size


def marks(places: Sequence[tuple[float, float]] = CORNERS, off: F64 | float = 0.0) -> tuple[Mark, ...]:
    """Points of the road as somebody marks them in the picture, `off` by shares of it (n, 2)."""
    seen = (shares(places) + off).tolist()
    return tuple(Mark((x, y), place) for (x, y), place in zip(seen, places, strict=True))


ROAD = Road("road", marks(), HEIGHT_M, PLATE_M)


def ride(
    kmh: float, start: tuple[float, float], seconds: float, fps: float = 25.0, height_m: float = PLATE_M
) -> Iterator[tuple[float, F64, float]]:
    """A plate that comes along the road towards the camera: time, the middle of it in pixels (2,), how high it is there in pixels."""
    for number in range(round(seconds * fps) + 1):
        at_s = number / fps
        pixels, depth_m = CAMERA.project(np.array([[start[0], start[1] - at_s * kmh / 3.6, height_m]], np.float32))
        yield at_s, np.asarray(pixels[0], np.float64), PLATE_HIGH_M * CAMERA.focal_px / float(depth_m[0])


def box(middle: F64, height_px: float) -> F32:
    half = np.array([2.3, 0.5]) * height_px
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def followed(road: Road | None, seen: Iterator[tuple[float, F64, float]], scale: float = 1.0) -> Course:
    """The course of a vehicle, seen in pictures `scale` times as large as the camera's."""
    courses, ground = Courses(), Ground(plane=None if road is None else plane_of(road))
    width, height = (round(side * scale) for side in CAMERA.size)
    for at_s, middle, height_px in seen:
        at = box(middle * scale, height_px * scale)
        frame = Frame(np.zeros((height, width, 3), np.uint8), "road", 0, 0, 1_700_000_000 + at_s, round(at_s * 1e9))
        courses.follow(frame, Track(1, at, quad_from_box(at), 0.9, 0, 0, 5, (0.0, 0.0), 0.0, at), ground)
    return courses.leave("road", 1)
