"""What the detector is taught: which points answer for which plate, and how wrong a score, a box and a quad are.

Source of the assignment: TOOD, https://arxiv.org/abs/2108.07755; of the box loss: CIoU, https://arxiv.org/abs/1911.08287.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.detector.network import decode

TOP_POINTS = 10
ALIGN_IOU_POWER = 4.0
"""TOOD's 6 starves plates of a dozen pixels, whose overlap with any prediction is small for long."""
REACH_PX = 8.0
"""A plate smaller than a cell contains no point: the points within this of its centre may answer for it too."""
CORNER_KNEE = 0.1  # of a plate's height: below it the corner loss is quadratic
LOOSE = (0.05, 0.15, 0.05, 0.15)
"""How far inside its labelled box a real plate may end, as shares of the box's width and height: people draw boxes with a margin, and a
quad that learned to fill them stood a quarter too high."""
INWARD = (1.0, 1.0, -1.0, -1.0)


@dataclass(frozen=True, slots=True)
class Targets:
    """A batch's truth, padded to its fullest picture."""

    boxes: Tensor  # (n, m, 4) xyxy px
    quads: Tensor  # (n, m, 8) px; anything where `cornered` is false
    real: Tensor  # (n, m) bool: a plate to be found
    ignored: Tensor  # (n, m) bool: a region where nothing counts
    cornered: Tensor  # (n, m) bool: `quads` is known


@dataclass(frozen=True, slots=True)
class Gains:
    """How much each part counts."""

    score: float = 1.0
    box: float = 5.0
    corner: float = 2.0
    hull: float = 0.5


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which points answer for which plate."""

    plate: Tensor  # (n, p) index into the padded plates
    chosen: Tensor  # (n, p) bool
    quality: Tensor  # (n, p) 0..1: the score that a point should give


def detection_loss(points: Tensor, centres: Tensor, strides: Tensor, targets: Targets, gains: Gains) -> tuple[Tensor, dict[str, float]]:
    """Raw points (n, p, 13) against the truth → the loss, and its parts as numbers."""
    logits, boxes, quads = decode(points, centres, strides)
    assigned = assign(logits.detach().sigmoid(), boxes.detach(), centres, targets)
    total = assigned.quality.sum().clamp(min=1.0)
    counts = ~_inside_any(centres, targets.boxes, targets.ignored) | assigned.chosen
    score = functional.binary_cross_entropy_with_logits(logits, assigned.quality, reduction="none")
    parts = {"score": (score * counts).sum() / total, **_shape_losses(boxes, quads, targets, assigned, total)}
    loss = sum((getattr(gains, name) * part for name, part in parts.items()), start=points.new_zeros(()))
    return loss, {name: float(part.detach()) for name, part in parts.items()}


def _shape_losses(boxes: Tensor, quads: Tensor, targets: Targets, assigned: Assignment, total: Tensor) -> dict[str, Tensor]:
    """Box, corner and hull losses of the points that answer for a plate, each weighed by the quality it should have.

    Corners are off by so many heights of the plate: what its text suffers from, at any size and shape.
    """
    picture, point = assigned.chosen.nonzero(as_tuple=True)
    plate = assigned.plate[picture, point]
    box, quad = boxes[picture, point], quads[picture, point]
    truth, corners = targets.boxes[picture, plate], targets.quads[picture, plate]
    weight = assigned.quality[picture, point] / total
    cornered = targets.cornered[picture, plate]
    corner = _knee((quad - corners) / height_of(corners)).mean(-1)
    hull = _knee(outside_margin(hull_of(quad), truth) / (truth[:, 3:] - truth[:, 1:2]).clamp(min=1.0)).mean(-1)
    return {
        "box": ((1 - complete_iou(box, truth)) * weight).sum(),
        "corner": (torch.where(cornered, corner, 0.0) * weight).sum(),
        "hull": (torch.where(cornered, 0.0, hull) * weight).sum(),
    }


def _knee(error: Tensor) -> Tensor:
    return functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=CORNER_KNEE)


def height_of(quads: Tensor) -> Tensor:
    """Quads (…, 8) → the mean length (…, 1) of their left and right sides, at least 1."""
    left, right = quads[..., 6:8] - quads[..., 0:2], quads[..., 4:6] - quads[..., 2:4]
    return ((left.norm(dim=-1) + right.norm(dim=-1)) / 2).clamp(min=1.0)[..., None]


def outside_margin(hulls: Tensor, boxes: Tensor) -> Tensor:
    """How far each side (k, 4) of a hull lies beyond its labelled box, or further inside than its margin may be; 0 between."""
    inside = (hulls - boxes) * hulls.new_tensor(INWARD)
    size = boxes[:, 2:] - boxes[:, :2]
    return (-inside).clamp(min=0) + (inside - torch.cat([size, size], 1) * hulls.new_tensor(LOOSE)).clamp(min=0)


def hull_of(quads: Tensor) -> Tensor:
    """Quads (…, 8) → the boxes (…, 4) that just hold them."""
    x, y = quads[..., 0::2], quads[..., 1::2]
    return torch.stack([x.amin(-1), y.amin(-1), x.amax(-1), y.amax(-1)], -1)


@torch.no_grad()
def assign(scores: Tensor, boxes: Tensor, centres: Tensor, targets: Targets) -> Assignment:
    """Task-aligned assignment: a plate takes the points that already score it well and fit it well; a point takes one plate."""
    overlap = pair_iou(targets.boxes, boxes)  # (n, m, p)
    near = _near(centres, targets.boxes) & targets.real[..., None]
    align = (scores[:, None].sqrt() * overlap.pow(ALIGN_IOU_POWER) + 1e-9) * near
    best, index = align.topk(TOP_POINTS, dim=-1)
    mine = torch.zeros_like(near).scatter_(-1, index, best > 0)
    align = align * mine
    strongest, plate = align.max(1)  # (n, p)
    won = functional.one_hot(plate, align.shape[1]).transpose(1, 2).bool() & mine
    align = align * won
    top_align = align.amax(-1, keepdim=True).clamp(min=1e-9)
    top_overlap = (overlap * won).amax(-1, keepdim=True)
    quality = (align / top_align * top_overlap).amax(1)
    return Assignment(plate, strongest > 0, quality)


def _near(centres: Tensor, boxes: Tensor) -> Tensor:
    """(n, m, p): whether a point lies in a box, or within reach of the centre of a small one."""
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    half = ((boxes[..., 2:] - boxes[..., :2]) / 2).clamp(min=REACH_PX)
    return ((centres - middle[:, :, None]).abs() < half[:, :, None]).all(-1)


def _inside_any(centres: Tensor, boxes: Tensor, mask: Tensor) -> Tensor:
    """(n, p): whether a point lies in or near one of the masked boxes."""
    return (_near(centres, boxes) & mask[..., None]).any(1)


def pair_iou(truths: Tensor, boxes: Tensor) -> Tensor:
    """Overlap of every truth (n, m, 4) with every box (n, p, 4) of its picture → (n, m, p)."""
    a, b = truths[:, :, None], boxes[:, None]
    inside = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inside
    return inside / union.clamp(min=1e-6)


def complete_iou(a: Tensor, b: Tensor) -> Tensor:
    """CIoU of boxes (k, 4) in pairs → (k,): overlap less the distance of the centres and the difference of the shapes."""
    inside = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(-1)
    size_a, size_b = (a[:, 2:] - a[:, :2]).clamp(min=1e-3), (b[:, 2:] - b[:, :2]).clamp(min=1e-3)
    iou = inside / (size_a.prod(-1) + size_b.prod(-1) - inside)
    span = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    apart = (a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]).square().sum(-1) / 4 / span.square().sum(-1).clamp(min=1e-6)
    shape = 4 / math.pi**2 * (torch.atan2(size_a[:, 0], size_a[:, 1]) - torch.atan2(size_b[:, 0], size_b[:, 1])).square()
    trade = (shape / (1 - iou + shape).clamp(min=1e-6)).detach()
    return iou - apart - trade * shape
