"""The one preprocessing: every picture that a model sees, in training, calibration or on the device, goes through here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from alpr.types import F32, U8

PAD_GRAY = 114
TWO_LINE_ASPECT = 2.4
"""Width over height under which a plate is drawn on the two-line canvas of LPSR. A two-line plate is 1.0-1.9, a one-line one
3.2-4.7; squarish one-line plates land on the two-line canvas, which costs them nothing: both have as many pixels."""
ONE_LINE_PX = (32, 192)
TWO_LINE_PX = (64, 96)
ROOM = (0.15, 0.3)
"""Of a plate's width and height, on each side: where its true corners are looked for, a detector's being as far off as a quarter."""
LONGEST_PX = 16_384
"""Of a plate; OpenCV's warps count pixels in 16 bits."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture was fitted onto a canvas: canvas = picture * scale + offset."""

    scale: float
    offset: tuple[float, float]  # (x, y) px on the canvas

    def drawn_px(self, picture_hw: tuple[int, int]) -> tuple[int, int]:
        """The picture's (h, w) on the canvas."""
        height, width = picture_hw
        return max(1, round(height * self.scale)), max(1, round(width * self.scale))

    def to_picture(self, points: F32) -> F32:
        """Canvas points (…, 2) → points of the original picture."""
        moved: F32 = ((points - np.asarray(self.offset, np.float32)) / np.float32(self.scale)).astype(np.float32)
        return moved


def canvas_size(height: int, width: int, longest_px: int, multiple_px: int) -> tuple[int, int]:
    """The smallest (h, w) canvas, sides multiples of `multiple_px`, that holds the picture scaled to `longest_px`."""
    scale = longest_px / max(height, width)
    fitted = (max(1, round(height * scale)), max(1, round(width * scale)))
    return -(-fitted[0] // multiple_px) * multiple_px, -(-fitted[1] // multiple_px) * multiple_px


def detector_canvas(height: int, width: int, longest_px: int, multiple_px: int) -> tuple[int, int]:
    """`canvas_size` for a detector: a picture smaller than `longest_px` is not enlarged, for that finds nothing more."""
    own = max(multiple_px, -(-max(height, width) // multiple_px) * multiple_px)
    return canvas_size(height, width, min(longest_px, own), multiple_px)


def fit_of(picture_hw: tuple[int, int], size_px: tuple[int, int]) -> Letterbox:
    """How `letterbox` fits a picture onto a canvas, without drawing it."""
    scale = min(size_px[0] / picture_hw[0], size_px[1] / picture_hw[1])
    height, width = Letterbox(scale, (0.0, 0.0)).drawn_px(picture_hw)
    return Letterbox(scale, (float((size_px[1] - width) // 2), float((size_px[0] - height) // 2)))


def letterbox(bgr: U8, size_px: tuple[int, int]) -> tuple[U8, Letterbox]:
    """Fit a picture onto a (h, w) canvas, aspect kept, centred, the rest gray 114. Returns the canvas and the way back.

    Raises ValueError for what is no picture, as all do that take one here.
    """
    check_picture(bgr)
    picture_hw = bgr.shape[0], bgr.shape[1]
    fit = fit_of(picture_hw, size_px)
    height, width = drawn_px = fit.drawn_px(picture_hw)
    resized = resize(bgr, drawn_px)
    if drawn_px == tuple(size_px):
        return resized, fit
    left, top = int(fit.offset[0]), int(fit.offset[1])
    canvas = np.full((*size_px, 3), PAD_GRAY, np.uint8)
    canvas[top : top + height, left : left + width] = resized
    return canvas, fit


def resize(bgr: U8, size_px: tuple[int, int]) -> U8:
    """Resize to (h, w): linear, and by area where it shrinks to less than half, so that thin strokes do not alias away."""
    check_picture(bgr)
    height, width = size_px
    if bgr.shape[:2] == (height, width):
        return bgr
    high, wide = bgr.shape[0] > 2 * height, bgr.shape[1] > 2 * width
    if high != wide:  # INTER_AREA is true to its name only where both sides shrink: the one that shrinks goes first
        first = (width if wide else bgr.shape[1], height if high else bgr.shape[0])
        bgr = cv2.resize(bgr, first, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA if high and wide else cv2.INTER_LINEAR)  # type: ignore[return-value]


def check_picture(bgr: U8) -> None:
    """Refuse what is no BGR picture, with ValueError: gray ones would fail far from here, 16 bits would wrap around without a word."""
    if bgr.dtype != np.uint8 or bgr.ndim != 3 or bgr.shape[2] != 3 or not bgr.size:
        raise ValueError(f"picture is {bgr.shape} {bgr.dtype}, expected (h, w, 3) uint8 with at least one pixel")


def quad_size(quad: F32) -> tuple[float, float]:
    """Height and width in pixels of a quad (4, 2): means of opposite edges."""
    top, right, bottom, left = np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1)
    return float(left + right) / 2, float(top + bottom) / 2


def quad_from_box(box: F32) -> F32:
    """A box (4,) xyxy as its four corners (4, 2), clockwise from the top left."""
    x1, y1, x2, y2 = box
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float32)


def rectify(bgr: U8, quad: F32, margin: float = 0.08) -> U8:
    """Cut the plate at `quad` out of a picture and straighten it, with `margin` of its height and width kept around it.

    The result has as many pixels as the picture had for it, never less than 8 a side; what lies outside the picture
    repeats its border. Raises ValueError for a quad that is no plate: see `check_quad`.
    """
    check_picture(bgr)
    cut = rectification(quad, bgr.shape[:2], margin)
    height, width = cut.size_px
    return cv2.warpPerspective(bgr, cut.warp, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, eq=False)
class Rectification:
    """A straightened plate's size, and the way from the picture's pixels to its own."""

    warp: NDArray[np.float64]  # (3, 3): (x, y, 1) of the picture → the plate, both counted at pixel centres
    size_px: tuple[int, int]  # (h, w)


def rectification(quad: F32, picture_hw: tuple[int, ...], margin: float = 0.08) -> Rectification:
    """The cut that `rectify` makes, without making it. Raises ValueError for a quad that is no plate: see `check_quad`."""
    check_quad(quad, picture_hw)
    height, width = quad_size(quad)
    size_px = max(8, round(height * (1 + 2 * margin))), max(8, round(width * (1 + 2 * margin)))
    inset_y, inset_x = (side * margin / (1 + 2 * margin) for side in size_px)
    left, top, right, bottom = inset_x, inset_y, size_px[1] - inset_x, size_px[0] - inset_y
    target = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    # cv2 counts pixel centres, boxes count pixel edges: half a pixel between them
    warp = cv2.getPerspectiveTransform(quad.astype(np.float32) - 0.5, target - 0.5)
    return Rectification(np.asarray(warp, np.float64), size_px)


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """A piece of a picture around a plate: where it lies."""

    origin: F32  # (2,) x, y px of its top left corner in the picture
    size: F32  # (2,) its width and height, px

    def to_picture(self, shares: F32) -> F32:
        """Points (…, 2) as shares of the piece → points of the picture."""
        moved: F32 = (self.origin + shares * self.size).astype(np.float32)
        return moved

    def to_shares(self, points: F32) -> F32:
        """Points (…, 2) of the picture → shares of the piece."""
        moved: F32 = ((points - self.origin) / self.size).astype(np.float32)
        return moved


def surroundings(bgr: U8, quad: F32, room: tuple[float, float] = ROOM) -> tuple[U8, Surroundings]:
    """Cut out the upright box around a quad, with `room` of its width and height left on each side, and say where it lies.

    What lies outside the picture repeats its border. Raises ValueError for a quad that is no plate: see `check_quad`.
    """
    check_picture(bgr)
    check_quad(quad, bgr.shape[:2])
    low, high = quad.min(axis=0), quad.max(axis=0)
    spare = (high - low) * np.array(room, np.float32)
    x1, y1 = np.floor(low - spare).astype(int).tolist()
    x2, y2 = np.ceil(high + spare).astype(int).tolist()
    height, width = bgr.shape[:2]
    piece = bgr[max(0, y1) : min(height, y2), max(0, x1) : min(width, x2)]
    beyond = max(0, -y1), max(0, y2 - height), max(0, -x1), max(0, x2 - width)
    if any(beyond):
        piece = cv2.copyMakeBorder(piece, *beyond, cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    return piece, Surroundings(np.array([x1, y1], np.float32), np.array([x2 - x1, y2 - y1], np.float32))


def check_quad(quad: F32, picture_hw: tuple[int, ...]) -> None:
    """Refuse corners (4, 2) that no plate has, with ValueError: they would warp to garbage, to one colour, or to gigabytes."""
    if quad.shape != (4, 2) or not np.isfinite(quad).all():
        raise ValueError(f"quad has a coordinate that is no number, expected four corners (x, y): {quad.tolist()}")
    corners = quad.astype(np.float64)  # whose products do not overflow
    edges = np.roll(corners, -1, axis=0) - corners
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    plate_h, plate_w = np.linalg.norm(edges[1::2], axis=1).mean(), np.linalg.norm(edges[::2], axis=1).mean()
    if min(plate_h, plate_w) < 1 or (turns <= 0).any():
        raise ValueError(f"quad has no area, or its corners do not go clockwise around it: {quad.tolist()}")
    height, width = picture_hw
    if max(plate_h, plate_w) > min(2 * max(height, width), LONGEST_PX) or plate_h * plate_w > 4 * height * width:
        raise ValueError(f"quad is more than twice as large as its picture of {width}x{height}: {quad.tolist()}")
    if (corners.max(axis=0) <= 0).any() or (corners.min(axis=0) >= (width, height)).any():
        raise ValueError(f"quad lies outside its picture of {width}x{height}: {quad.tolist()}")


def enhancer_canvas(bgr: U8) -> tuple[int, int]:
    """The (h, w) canvas of LPSR for a rectified plate, by its shape."""
    return TWO_LINE_PX if bgr.shape[1] < TWO_LINE_ASPECT * bgr.shape[0] else ONE_LINE_PX


def tensor(pictures: Sequence[U8], size_px: tuple[int, int]) -> F32:
    """Pictures, BGR uint8, each resized to (h, w) → (n, 3, h, w) float32 RGB in 0..1."""
    batch = np.empty((len(pictures), 3, *size_px), np.float32)
    for row, bgr in zip(batch, pictures, strict=True):
        for plane, channel in zip(row, reversed(cv2.split(resize(bgr, size_px))), strict=True):
            np.multiply(channel, np.float32(1 / 255), out=plane)
    return batch


def byte_tensor(pictures: Sequence[U8], size_px: tuple[int, int]) -> U8:
    """The same as bytes: (n, 3, h, w) uint8 RGB, 255 times what `tensor` gives."""
    batch = np.empty((len(pictures), 3, *size_px), np.uint8)
    for row, bgr in zip(batch, pictures, strict=True):
        row[:] = cv2.split(resize(bgr, size_px))[::-1]
    return batch


def picture_from_tensor(rgb: F32) -> U8:
    """(3, h, w) float32 RGB in 0..1 → BGR uint8 (h, w, 3), clipped and rounded; black where there is no number."""
    bgr = np.clip(np.nan_to_num(rgb[::-1].transpose(1, 2, 0)), 0, 1) * 255 + 0.5
    return np.ascontiguousarray(bgr.astype(np.uint8))
