"""Rendered plates put into real pictures: the car, the light and the noise are real, and the four corners are known.

Pictures are BGR uint8, quads (4, 2) clockwise from the plate's top left in pixels of the picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from alpr.imaging import resize
from alpr.types import F32, U8

SUPERSAMPLE = 1.5
"""A plate is first shrunk by area to this many times its size in the picture, so that the warp does not alias its strokes."""
ERASE_MARGIN = 0.06
SLANT_RAD = 0.12  # standard deviation of how far each pair of edges leans
STEEP = 2.0
"""Motorcycles lean and cameras stand aside: some plates slant so much more."""


def slanted_quad(rng: np.random.Generator, aspect: float, slant: float = 1.0) -> F32:
    """A random view of a plate, as a quad in the unit square that it just fills.

    `aspect` is width over height of the box that it will fill; `slant` scales how far it leans.
    """
    tilt = np.tan(rng.normal(0, SLANT_RAD) * slant) * aspect / 2  # right edge lower than the left one, in plate heights
    lean = np.tan(rng.normal(0, SLANT_RAD) * slant) / aspect / 2  # top edge right of the bottom one, in plate widths
    taper_y, taper_x = rng.normal(0, 0.05, 2) * slant  # the far edge is the shorter one
    quad = np.array([[lean, -tilt], [1 + lean, tilt], [1 - lean, 1 + tilt], [-lean, 1 - tilt]], np.float64)
    quad[:, 1] += np.array([taper_y, -taper_y, taper_y, -taper_y])
    quad[:, 0] += np.array([taper_x, -taper_x, taper_x, -taper_x])
    low, high = quad.min(axis=0), quad.max(axis=0)
    unit: F32 = ((quad - low) / (high - low)).astype(np.float32)
    return unit


def quad_in_box(unit: F32, box: F32) -> F32:
    """A quad of the unit square stretched to fill a box (4,) xyxy."""
    quad: F32 = (box[:2] + unit * (box[2:] - box[:2])).astype(np.float32)
    return quad


def replace_plate(bgr: U8, box: F32, plate: U8, rng: np.random.Generator) -> F32 | None:
    """Put a rendered plate where a real one is, in place: same extent, levels and about the same sharpness. Returns its quad.

    None, and an untouched picture, where the box lies outside or has hardly any pixels.
    """
    height, width = bgr.shape[:2]
    x1, y1 = np.maximum(np.floor(box[:2]).astype(int), 0)
    x2, y2 = np.minimum(np.ceil(box[2:]).astype(int), (width, height))
    if x2 - x1 < 8 or y2 - y1 < 4:
        return None
    old = bgr[y1:y2, x1:x2].copy()
    slant = STEEP if rng.random() < 0.25 else 1.0
    quad = quad_in_box(slanted_quad(rng, float((x2 - x1) / (y2 - y1)), slant), np.float32([x1, y1, x2, y2]))
    erase(bgr, (x1, y1, x2, y2))
    paste(bgr, quad, matched_levels(plate, old, rng), rng)
    return quad


def add_plate(bgr: U8, plate: U8, width_px: float, taken: F32, rng: np.random.Generator) -> F32 | None:
    """Put a further plate somewhere in the lower three quarters of a picture, in place, clear of the boxes taken (n, 4)."""
    height, width = bgr.shape[:2]
    size = np.array([width_px, width_px * plate.shape[0] / plate.shape[1] * rng.uniform(0.9, 1.3)])
    room = np.array([width, height]) - size
    if (room < 2).any():
        return None
    for _ in range(8):
        low = np.array([rng.uniform(0, room[0]), rng.uniform(min(0.25 * height, room[1]), room[1])])
        box = np.concatenate([low, low + size]).astype(np.float32)
        if not _overlaps(box, taken):
            slant = STEEP if rng.random() < 0.3 else 1.0
            quad = quad_in_box(slanted_quad(rng, float(size[0] / size[1]), slant), box)
            around = bgr[int(low[1]) : int(box[3]) + 1, int(low[0]) : int(box[2]) + 1]
            paste(bgr, quad, lit_like(plate, around, rng), rng)
            return quad
    return None


def close_up(plate: U8, background: U8, rng: np.random.Generator) -> tuple[U8, F32]:
    """A loose crop of one plate: strongly slanted, hardly any car around it, at times cut by the picture's edge."""
    height, width = background.shape[:2]
    bgr = background.copy()
    share = rng.uniform(0.55, 1.04)  # of the picture's width or height, whichever the plate meets first
    aspect = plate.shape[1] / plate.shape[0] * rng.uniform(0.75, 1.15)
    size = np.array([aspect, 1.0]) * min(width / aspect, height) * share
    low = (np.array([width, height]) - size) * rng.uniform(0.3, 0.7, 2)
    quad = quad_in_box(slanted_quad(rng, aspect, slant=1.6), np.concatenate([low, low + size]).astype(np.float32))
    paste(bgr, quad, lit_like(plate, background, rng), rng)
    return bgr, quad


def paste(bgr: U8, quad: F32, plate: U8, rng: np.random.Generator) -> None:
    """Warp a straight-on plate onto a quad, in place, with soft edges, a little blur and a little noise."""
    plate = _shrunk(plate, quad)
    x1, y1 = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 2, 0)
    x2, y2 = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + 2, bgr.shape[1::-1])
    if x2 <= x1 or y2 <= y1:
        return
    rows, columns = plate.shape[:2]
    corners = np.float32([[0, 0], [columns, 0], [columns, rows], [0, rows]]) - 0.5
    warp = cv2.getPerspectiveTransform(corners, (quad - np.float32([x1, y1]) - 0.5).astype(np.float32))
    size = (int(x2 - x1), int(y2 - y1))
    drawn = cv2.warpPerspective(plate, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    mask = cv2.warpPerspective(np.ones((rows, columns), np.float32), warp, size, flags=cv2.INTER_LINEAR)
    sigma = rng.uniform(0.3, 1.1)
    drawn, mask = cv2.GaussianBlur(drawn, (0, 0), sigma), cv2.GaussianBlur(mask, (0, 0), sigma)
    drawn += rng.normal(0, rng.uniform(0, 5), drawn.shape).astype(np.float32)
    under = bgr[y1:y2, x1:x2]
    under[:] = np.clip(under + (drawn - under) * mask[..., None], 0, 255).astype(np.uint8)


def erase(bgr: U8, box: tuple[int, int, int, int]) -> None:
    """Take what is in a box away, in place: fill it from the colours around it, with their grain."""
    x1, y1, x2, y2 = box
    grow_x, grow_y = max(1, round((x2 - x1) * ERASE_MARGIN)), max(1, round((y2 - y1) * ERASE_MARGIN))
    x1, y1 = max(0, x1 - grow_x), max(0, y1 - grow_y)
    x2, y2 = min(bgr.shape[1], x2 + grow_x), min(bgr.shape[0], y2 + grow_y)
    hole = bgr[y1:y2, x1:x2]
    rows, columns = hole.shape[:2]
    down = np.linspace(0, 1, rows, dtype=np.float32)[:, None, None]
    across = np.linspace(0, 1, columns, dtype=np.float32)[None, :, None]
    vertical = hole[:1] * (1 - down) + hole[-1:] * down
    horizontal = hole[:, :1] * (1 - across) + hole[:, -1:] * across
    hole[:] = cv2.blur((vertical + horizontal) / 2, (3, 3)).astype(np.uint8)


def matched_levels(plate: U8, old: U8, rng: np.random.Generator) -> U8:
    """A rendered plate with about the dark and light levels, and the tint, of the plate that it replaces."""
    dark, light = np.percentile(old.reshape(-1, 3), (8, 92), axis=0)
    drawn_dark, drawn_light = np.percentile(plate.mean(axis=2), (8, 92))
    gain = np.maximum(light - dark, 12) / max(drawn_light - drawn_dark, 24) * rng.uniform(0.8, 1.25)
    moved = (plate - (drawn_dark + drawn_light) / 2) * gain + (dark + light) / 2 + rng.normal(0, 8)
    matched: U8 = np.clip(moved, 0, 255).astype(np.uint8)
    return matched


def lit_like(plate: U8, around: U8, rng: np.random.Generator) -> U8:
    """A rendered plate dimmed to the light of its place: a dark place gets a dark plate, with a wide margin either way."""
    level = float(around.mean()) / 255
    gain = np.clip(0.35 + 1.1 * level, 0.3, 1.2) * rng.uniform(0.7, 1.3)
    tint = 1 + rng.normal(0, 0.05, 3)
    lit: U8 = np.clip(plate * (gain * tint), 0, 255).astype(np.uint8)
    return lit


def _shrunk(plate: U8, quad: F32) -> U8:
    """The plate no larger than its place in the picture needs."""
    size = (quad.max(axis=0) - quad.min(axis=0)) * SUPERSAMPLE
    columns, rows = (max(4, min(int(side), have)) for side, have in zip(size, plate.shape[1::-1], strict=True))
    if (rows, columns) == plate.shape[:2]:
        return plate
    if rows < plate.shape[0] or columns < plate.shape[1]:
        return cv2.resize(plate, (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
    return resize(plate, (rows, columns))


def _overlaps(box: F32, taken: F32) -> bool:
    if not len(taken):
        return False
    apart = (box[0] > taken[:, 2]) | (box[2] < taken[:, 0]) | (box[1] > taken[:, 3]) | (box[3] < taken[:, 1])
    return not bool(apart.all())
