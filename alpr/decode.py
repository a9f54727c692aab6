"""Model output → values: the detector's points to Detections, the reader's lattice to a Read."""

from __future__ import annotations

from math import isfinite

import numpy as np

from alpr.imaging import Letterbox
from alpr.types import ALPHABET, F32, Detections, Read

BLANK = len(ALPHABET)
"""The lattice's last column: no character at this position, nor at any later one."""
FARTHEST_PX = 1e5
"""No point of a canvas is so far away; of what is, the areas overflow."""
ROUNDING = 1e-3
"""What a probability may exceed 1 by: half floats."""


def detections(
    scores: F32, boxes: F32, quads: F32, fit: Letterbox, picture_hw: tuple[int, int], threshold: float, iou: float = 0.45, most: int = 64
) -> Detections:
    """The detector's points of one picture → plates, non-maximum suppressed, in pixels of the original picture.

    scores (p,) in 0..1; boxes (p, 4) xyxy and quads (p, 8) x1 y1 … y4, in pixels of the canvas that `fit` describes. Points of which a
    number is none, or out of its range, are no plates. Raises ValueError for other shapes.
    """
    if scores.ndim != 1 or (boxes.shape, quads.shape) != ((len(scores), 4), (len(scores), 8)):
        shapes = f"{scores.shape}, {boxes.shape} and {quads.shape}"
        raise ValueError(f"scores, boxes and quads are {shapes}, expected (p,), (p, 4) and (p, 8): this detector is not ours")
    # one box that is no number would suppress all others: no comparison with it holds
    near = (np.abs(boxes) < FARTHEST_PX).all(axis=1) & (np.abs(quads) < FARTHEST_PX).all(axis=1)
    keep = np.flatnonzero(near & (boxes[:, 2:] > boxes[:, :2]).all(axis=1) & (scores >= threshold) & (scores <= 1))
    keep = keep[np.argsort(-scores[keep], kind="stable")][: 8 * most]
    keep = keep[suppress(boxes[keep], iou)[:most]]
    height, width = picture_hw
    found = fit.to_picture(boxes[keep].reshape(-1, 2, 2))
    found = np.clip(found, 0, np.array([width, height], np.float32)).reshape(-1, 4)
    inside = (found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1])
    corners = fit.to_picture(quads[keep].reshape(-1, 4, 2))
    return Detections(found, scores[keep].astype(np.float32), corners).select(inside)


def suppress(boxes: F32, iou: float) -> np.ndarray:
    """Greedy non-maximum suppression of boxes (n, 4) that are sorted best first → indices kept, in that order."""
    kept: list[int] = []
    alive = np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if alive[i]:
            kept.append(i)
            alive &= ious(boxes[i], boxes) <= iou
    return np.array(kept, np.intp)


def ious(box: F32, boxes: F32) -> F32:
    """Intersection over union of one box (4,) with boxes (n, 4), all xyxy → (n,); 0 where neither has area."""
    size = np.clip(np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2]), 0, None)
    inside = size[:, 0] * size[:, 1]
    union = np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - inside
    overlap: F32 = np.where(union > 0, inside / np.where(union > 0, union, 1), 0).astype(np.float32)
    return overlap


def read(lattice: F32, two_lines: float, enhanced: bool = False) -> Read:
    """A reader's lattice (slots, 37), rows sum to 1 → the best path: each slot's best character up to the first blank.

    A lattice that holds anything but probabilities says nothing. Raises ValueError for another shape.
    """
    if lattice.ndim != 2 or lattice.shape[1] != BLANK + 1:
        raise ValueError(f"lattice is {lattice.shape}, expected (slots, {BLANK + 1}): this reader is not ours")
    if not (isfinite(two_lines) and ((lattice >= 0) & (lattice <= 1 + ROUNDING)).all()):
        return Read(lattice, "", np.zeros(0, np.float32), 0.5, enhanced)
    best = lattice.argmax(axis=1)
    ends = np.flatnonzero(best == BLANK)
    length = int(ends[0]) if len(ends) else len(best)
    text = "".join(ALPHABET[i] for i in best[:length])
    scores: F32 = np.minimum(lattice[np.arange(length), best[:length]], np.float32(1))
    return Read(lattice, text, scores, min(max(float(two_lines), 0.0), 1.0), enhanced)
