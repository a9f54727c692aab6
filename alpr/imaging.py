"""The one preprocessing: every picture that a model sees, in training, calibration or on the device, goes through here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from alpr.types import F32, U8

PAD_GRAY = 114
TWO_LINE_ASPECT = 2.4
"""Width over height under which a plate is drawn on the two-line canvas of LPSR. A two-line plate is 1.0-1.9, a one-line one
3.2-4.7; squarish one-line plates land on the two-line canvas, which costs them nothing: both have as many pixels."""
ONE_LINE_PX = (32, 192)
TWO_LINE_PX = (64, 96)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture was fitted onto a canvas: canvas = picture * scale + offset."""

    scale: float
    offset: tuple[float, float]  # (x, y) px on the canvas

    def to_picture(self, points: F32) -> F32:
        """Canvas points (…, 2) → points of the original picture."""
        moved: F32 = ((points - np.asarray(self.offset, np.float32)) / np.float32(self.scale)).astype(np.float32)
        return moved


def canvas_size(height: int, width: int, longest_px: int, multiple_px: int) -> tuple[int, int]:
    """The smallest (h, w) canvas, sides multiples of `multiple_px`, that holds the picture scaled to `longest_px`."""
    scale = longest_px / max(height, width)
    fitted = (max(1, round(height * scale)), max(1, round(width * scale)))
    return -(-fitted[0] // multiple_px) * multiple_px, -(-fitted[1] // multiple_px) * multiple_px


def letterbox(bgr: U8, size_px: tuple[int, int]) -> tuple[U8, Letterbox]:
    """Fit a picture onto a (h, w) canvas, aspect kept, centred, the rest gray 114. Returns the canvas and the way back."""
    height, width = bgr.shape[:2]
    if not height or not width:
        raise ValueError(f"picture is {width}x{height}, expected at least one pixel")
    scale = min(size_px[0] / height, size_px[1] / width)
    fitted = (max(1, round(width * scale)), max(1, round(height * scale)))  # (w, h), as cv2 wants it
    left, top = (size_px[1] - fitted[0]) // 2, (size_px[0] - fitted[1]) // 2
    resized = resize(bgr, (fitted[1], fitted[0]))
    if fitted == (size_px[1], size_px[0]):
        return resized, Letterbox(scale, (0.0, 0.0))
    canvas = np.full((*size_px, 3), PAD_GRAY, np.uint8)
    canvas[top : top + fitted[1], left : left + fitted[0]] = resized
    return canvas, Letterbox(scale, (float(left), float(top)))


def resize(bgr: U8, size_px: tuple[int, int]) -> U8:
    """Resize to (h, w): linear, and by area where it shrinks to less than half, so that thin strokes do not alias away."""
    height, width = size_px
    if bgr.shape[:2] == (height, width):
        return bgr
    high, wide = bgr.shape[0] > 2 * height, bgr.shape[1] > 2 * width
    if high != wide:  # INTER_AREA is true to its name only where both sides shrink: the one that shrinks goes first
        first = (width if wide else bgr.shape[1], height if high else bgr.shape[0])
        bgr = cv2.resize(bgr, first, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA if high and wide else cv2.INTER_LINEAR)  # type: ignore[return-value]


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
    check_quad(quad, bgr.shape[:2])
    height, width = quad_size(quad)
    out_h, out_w = max(8, round(height * (1 + 2 * margin))), max(8, round(width * (1 + 2 * margin)))
    inner_x, inner_y = out_w * margin / (1 + 2 * margin), out_h * margin / (1 + 2 * margin)
    target = np.array(
        [[inner_x, inner_y], [out_w - inner_x, inner_y], [out_w - inner_x, out_h - inner_y], [inner_x, out_h - inner_y]], np.float32
    )
    # cv2 counts pixel centres, boxes count pixel edges: half a pixel between them
    warp = cv2.getPerspectiveTransform(quad.astype(np.float32) - 0.5, target - 0.5)
    return cv2.warpPerspective(bgr, warp, (out_w, out_h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def check_quad(quad: F32, picture_hw: tuple[int, ...]) -> None:
    """Refuse corners (4, 2) that no plate has, with ValueError: they would warp to garbage, to one colour, or to gigabytes."""
    if not np.isfinite(quad).all():
        raise ValueError(f"quad has a coordinate that is no number: {quad.tolist()}")
    edges = np.roll(quad, -1, axis=0) - quad
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    if min(quad_size(quad)) < 1 or (turns <= 0).any():
        raise ValueError(f"quad has no area, or its corners do not go clockwise around it: {quad.tolist()}")
    if max(quad_size(quad)) > 2 * max(picture_hw):
        raise ValueError(f"quad is more than twice as large as its picture of {picture_hw[1]}x{picture_hw[0]}: {quad.tolist()}")


def enhancer_canvas(bgr: U8) -> tuple[int, int]:
    """The (h, w) canvas of LPSR for a rectified plate, by its shape."""
    return TWO_LINE_PX if bgr.shape[1] < TWO_LINE_ASPECT * bgr.shape[0] else ONE_LINE_PX


def tensor(pictures: Sequence[U8], size_px: tuple[int, int]) -> F32:
    """Pictures, BGR uint8, each resized to (h, w) → (n, 3, h, w) float32 RGB in 0..1."""
    batch = np.empty((len(pictures), 3, *size_px), np.float32)
    for row, bgr in zip(batch, pictures, strict=True):
        np.multiply(resize(bgr, size_px)[:, :, ::-1].transpose(2, 0, 1), np.float32(1 / 255), out=row)
    return batch


def picture_from_tensor(rgb: F32) -> U8:
    """(3, h, w) float32 RGB in 0..1 → BGR uint8 (h, w, 3), clipped and rounded."""
    bgr = np.clip(rgb[::-1].transpose(1, 2, 0) * 255 + 0.5, 0, 255)
    return np.ascontiguousarray(bgr.astype(np.uint8))
