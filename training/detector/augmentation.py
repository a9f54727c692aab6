"""Other views of a labelled picture: another place, scale and slant on a canvas, another light, another camera."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.imaging import PAD_GRAY
from alpr.types import F32, U8
from training.detector.data import Labelled

SMALLEST_PX, LARGEST_SHARE = 11.0, 1.0
"""Plates are shown from this many pixels wide up to this share of the canvas."""
LEAST_FILLED = 0.55
"""A picture is not drawn smaller than this share of what fits the canvas: gray teaches little."""
LARGEST_SCALE = 3.5
STEEP_RAD = 0.4
MIRRORED = [1, 0, 3, 2]
"""A mirrored plate's corners, clockwise from the top left again."""


def look(picture: Labelled, size_px: tuple[int, int], rng: np.random.Generator, whole: float = 0.35) -> Labelled:
    """A random view of a picture on an (h, w) canvas: all of it, as on the device, or closer, around one plate of a random width."""
    angle = _turn(picture, rng)
    stretch = np.exp(rng.normal(0, 0.12)) if rng.random() < 0.5 else 1.0
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    if rng.random() < whole or not len(picture.quads):
        scale, anchor, target = _whole(picture.bgr, size_px, rng)
    else:
        scale, anchor, target = _around_a_plate(picture, size_px, rng)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([scale * stretch * mirror, scale])
    warp = np.concatenate([linear, (target - linear @ anchor)[:, None]], axis=1)
    return transformed(picture, warp, size_px, rng)


def _turn(picture: Labelled, rng: np.random.Generator) -> float:
    """How far a view is turned, in radians: a little; where every corner is known, at times far, for a box says nothing of a slant."""
    if picture.cornered.all() and len(picture.cornered) and rng.random() < 0.25:
        return float(rng.uniform(-STEEP_RAD, STEEP_RAD))
    return float(np.deg2rad(rng.normal(0, 4)).clip(-0.26, 0.26)) if rng.random() < 0.5 else 0.0


def _whole(bgr: U8, size_px: tuple[int, int], rng: np.random.Generator) -> tuple[float, F32, F32]:
    """Scale and the pair of points (picture, canvas) that show about all of it."""
    centre = np.float32(bgr.shape[1::-1]) / 2
    middle = np.float32(size_px[::-1]) / 2
    scale = min(size_px[0] / bgr.shape[0], size_px[1] / bgr.shape[1]) * rng.uniform(0.85, 1.25)
    return scale, centre, middle + rng.normal(0, 0.05, 2).astype(np.float32) * middle


def _around_a_plate(picture: Labelled, size_px: tuple[int, int], rng: np.random.Generator) -> tuple[float, F32, F32]:
    """Scale and the pair of points that show one plate, its width log-uniform, wherever it still fits."""
    box = picture.boxes[rng.integers(len(picture.quads))]
    width, height = np.maximum(box[2:] - box[:2], 1)
    largest = min(size_px[1] / width, size_px[0] / height) * LARGEST_SHARE
    fitting = min(size_px[0] / picture.bgr.shape[0], size_px[1] / picture.bgr.shape[1])
    wanted = np.exp(rng.uniform(np.log(SMALLEST_PX), np.log(largest * width))) / width
    scale = float(min(max(wanted, LEAST_FILLED * fitting), LARGEST_SCALE, largest))
    half = np.float32([width, height]) * scale / 2
    canvas = np.float32(size_px[::-1])
    target = half + rng.random(2) * (canvas - 2 * half)
    return scale, (box[:2] + box[2:]) / 2, target.astype(np.float32)


def transformed(picture: Labelled, warp: F32, size_px: tuple[int, int], rng: np.random.Generator) -> Labelled:
    """A picture and its quads under an affine (2, 3) map onto an (h, w) canvas; what lies outside is cut, or gray."""
    bgr, source_warp = picture.bgr, warp
    shrink = float(np.sqrt(abs(np.linalg.det(warp[:, :2]))))
    if shrink < 0.5:  # as alpr.imaging does: by area, or thin strokes alias away
        bgr = cv2.resize(bgr, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        source_warp = np.concatenate([warp[:, :2] / shrink, warp[:, 2:]], axis=1)
    gray = int(rng.integers(0, 256)) if rng.random() < 0.2 else PAD_GRAY
    drawn = cv2.warpAffine(bgr, source_warp, size_px[::-1], flags=cv2.INTER_LINEAR, borderValue=(gray, gray, gray))
    quads = picture.quads @ warp[:, :2].T + warp[:, 2]
    if np.linalg.det(warp[:, :2]) < 0:
        quads = quads[:, MIRRORED]
    return Labelled(drawn, quads.astype(np.float32), picture.cornered)  # type: ignore[arg-type]


def photographed(bgr: U8, rng: np.random.Generator) -> U8:
    """Another light and another camera: exposure, gamma, tint, gray, blur, lost resolution, noise, JPEG, each at times."""
    bgr = _lit(bgr, rng)
    if rng.random() < 0.25:
        bgr = _blurred(bgr, rng)
    if rng.random() < 0.15:
        bgr = _low_resolution(bgr, rng)
    if rng.random() < 0.35:
        bgr = _noisy(bgr, rng)
    if rng.random() < 0.35:
        _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 90))])
        bgr = cv2.imdecode(encoded, cv2.IMREAD_COLOR)  # type: ignore[assignment]
    return bgr


def _lit(bgr: U8, rng: np.random.Generator) -> U8:
    """One table a channel: brightness, contrast, gamma and tint together; a tenth of the pictures are nights, a tenth are gray."""
    night = rng.random() < 0.1
    gamma = np.exp(rng.normal(0.45 if night else 0, 0.25))
    gain, lift = np.exp(rng.normal(-0.5 if night else 0, 0.2)), rng.normal(0, 0.06)
    level = np.linspace(0, 1, 256)[:, None] ** gamma
    table = (level * gain * np.exp(rng.normal(0, 0.08, 3)) + lift) * 255
    lit = cv2.LUT(bgr, np.clip(table, 0, 255).astype(np.uint8).reshape(1, 256, 3))
    if rng.random() < 0.1:
        lit = cv2.cvtColor(cv2.cvtColor(lit, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return lit  # type: ignore[return-value]


def _blurred(bgr: U8, rng: np.random.Generator) -> U8:
    """Out of focus, or moved along a line."""
    if rng.random() < 0.5:
        return cv2.GaussianBlur(bgr, (0, 0), rng.uniform(0.5, 1.8))  # type: ignore[return-value]
    length, angle = int(rng.integers(3, 10)), rng.uniform(0, np.pi)
    kernel = np.zeros((length, length), np.float32)
    middle, reach = (length - 1) / 2, (length - 1) / 2 * np.array([np.cos(angle), np.sin(angle)])
    start, end = (middle - reach).round().astype(int).tolist(), (middle + reach).round().astype(int).tolist()
    cv2.line(kernel, start, end, 1.0)
    return cv2.filter2D(bgr, -1, kernel / kernel.sum())  # type: ignore[return-value]


def _low_resolution(bgr: U8, rng: np.random.Generator) -> U8:
    """Enlarged from fewer pixels, as a small crop is when it is drawn on the detector's canvas."""
    share = float(np.exp(rng.uniform(np.log(0.15), np.log(0.7))))
    height, width = bgr.shape[:2]
    small = cv2.resize(bgr, (max(8, round(width * share)), max(8, round(height * share))), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def _noisy(bgr: U8, rng: np.random.Generator) -> U8:
    """Sensor noise, fine or in grains of two pixels."""
    grain = 2 if rng.random() < 0.3 else 1
    height, width = bgr.shape[:2]
    noise = np.empty((-(-height // grain), -(-width // grain), 3), np.int16)
    cv2.setRNGSeed(int(rng.integers(1 << 31)))
    cv2.randn(noise, 0, float(rng.uniform(2, 14)))  # ten times faster than numpy's
    if grain > 1:
        noise = cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.add(bgr, noise, dtype=cv2.CV_8U)  # type: ignore[return-value]
