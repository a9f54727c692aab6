"""The plate detector: a small CSP backbone, a feature pyramid, and an anchor-free head at each of three strides.

Every point of strides 8, 16 and 32 says how sure it is of a plate, where the plate's box is, and where in that box its four
corners lie. Convolutions are plain 3x3 or 1x1 (depthwise in the heads alone) with BatchNorm and ReLU, which fuse and quantise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
PRIOR = 0.01
"""Score of every point before training: plates are rare, and a head that starts at one half drowns in easy background."""
MAX_LOG_SIZE = 6.0
"""exp(6) strides is far beyond any canvas; the bound keeps fp16 finite."""
REST_QUAD = (0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0)
"""Corners as fractions of the box where the head says nothing: the box's own."""


class ConvBnRelu(nn.Sequential):
    """Convolution, BatchNorm, ReLU; the norm folds into the convolution at export."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(channels_out, eps=1e-3, momentum=0.03),
            nn.ReLU(inplace=True),
        )


class CrossStage(nn.Module):
    """A cross-stage-partial block: half the channels go through a pair of 3x3, all three halves meet again in a 1x1.

    Source: CSPNet, https://arxiv.org/abs/1911.11929, in the form of YOLOv8's C2f.
    """

    def __init__(self, channels_in: int, channels_out: int, residual: bool = True) -> None:
        super().__init__()
        self.half = half = channels_out // 2
        self.split = ConvBnRelu(channels_in, 2 * half, 1)
        self.pair = nn.Sequential(ConvBnRelu(half, half), ConvBnRelu(half, half))
        self.merge = ConvBnRelu(3 * half, channels_out, 1)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        halves = self.split(x)
        worked = halves[:, self.half :]
        deeper = self.pair(worked)
        if self.residual:
            deeper = deeper + worked
        out: Tensor = self.merge(torch.cat([halves, deeper], 1))
        return out

    @torch.no_grad()
    def absorb(self) -> None:
        """Let the merge, which is linear in both, take the residual sum: the same numbers with a node fewer."""
        if self.residual:
            weight = self.merge[0].weight
            weight[:, self.half : 2 * self.half] += weight[:, 2 * self.half :]
            self.residual = False


class PoolPyramid(nn.Module):
    """Context for plates that fill the picture: max-pools of 5, 9 and 13 cells beside the map itself (SPPF)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = ConvBnRelu(channels, channels // 2, 1)
        self.merge = ConvBnRelu(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = [self.reduce(x)]
        for _ in range(3):
            pooled.append(functional.max_pool2d(pooled[-1], 5, 1, 2))
        out: Tensor = self.merge(torch.cat(pooled, 1))
        return out


class Head(nn.Module):
    """One stride's points: (n, 13, h, w) = score logit, centre offset (2), log size (2), corners as fractions of the box (8)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.score = nn.Sequential(*self._branch(channels, width), nn.Conv2d(width, 1, 1))
        self.shape = nn.Sequential(*self._branch(channels, width), nn.Conv2d(width, 12, 1))
        nn.init.constant_(self.score[-1].bias, -math.log((1 - PRIOR) / PRIOR))
        nn.init.normal_(self.shape[-1].weight, std=0.01)
        self.shape[-1].bias.data = torch.tensor((0.0, 0.0, 1.0, 0.5, *REST_QUAD))

    @staticmethod
    def _branch(channels: int, width: int) -> tuple[nn.Module, nn.Module]:
        return ConvBnRelu(channels, channels, 3, groups=channels), ConvBnRelu(channels, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.score(x), self.shape(x)], 1)


class Detector(nn.Module):
    """The whole network: (n, 3, h, w) RGB in 0..1, sides multiples of 32 → raw points (n, p, 13), stride 8 first.

    `backbone`: channels after strides 2, 4, 8, 16, 32; `neck`: channels of the pyramid at 8, 16, 32; `head`: the branches' width.
    The top-down half of the pyramid alone (FPN): the bottom-up half cost a fifth of the time and large plates find their stride without it.
    """

    def __init__(
        self,
        backbone: Sequence[int] = (16, 32, 64, 96, 160),
        neck: Sequence[int] = (48, 64, 96),
        head: int = 48,
    ) -> None:
        super().__init__()
        c2, c4, c8, c16, c32 = backbone
        n8, n16, n32 = neck
        self.stage4 = nn.Sequential(ConvBnRelu(3, c2, 3, 2), ConvBnRelu(c2, c4, 3, 2))
        self.stage8 = nn.Sequential(ConvBnRelu(c4, c8, 3, 2), CrossStage(c8, c8))
        self.stage16 = nn.Sequential(ConvBnRelu(c8, c16, 3, 2), CrossStage(c16, c16))
        self.stage32 = nn.Sequential(ConvBnRelu(c16, c32, 3, 2), CrossStage(c32, c32), PoolPyramid(c32))
        self.lateral32 = ConvBnRelu(c32, n32, 1)
        self.down16 = CrossStage(c16 + n32, n16, residual=False)
        self.down8 = CrossStage(c8 + n16, n8, residual=False)
        self.heads = nn.ModuleList(Head(channels, head) for channels in neck)

    def forward(self, image: Tensor) -> Tensor:
        x8 = self.stage8(self.stage4(image))
        x16 = self.stage16(x8)
        p32 = self.lateral32(self.stage32(x16))
        p16 = self.down16(torch.cat([x16, functional.interpolate(p32, scale_factor=2.0)], 1))
        p8 = self.down8(torch.cat([x8, functional.interpolate(p16, scale_factor=2.0)], 1))
        points = [head(p).flatten(2) for head, p in zip(self.heads, (p8, p16, p32), strict=True)]
        return torch.cat(points, 2).transpose(1, 2)


def absorbed(detector: Detector) -> Detector:
    """A copy that computes the same without residual sums."""
    copy = deepcopy(detector)
    for block in copy.modules():
        if isinstance(block, CrossStage):
            block.absorb()
    return copy


def widths_of(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """What `Detector` was made with, read off its weights."""
    backbone = [weights[f"{name}.0.weight"].shape[0] for name in ("stage4.0", "stage4.1", "stage8.0", "stage16.0", "stage32.0")]
    neck = [weights[f"heads.{i}.score.0.0.weight"].shape[0] for i in range(len(STRIDES))]
    return {"backbone": backbone, "neck": neck, "head": weights["heads.0.score.1.0.weight"].shape[0]}


def from_weights(weights: Mapping[str, Tensor]) -> Detector:
    """The detector that these weights are of."""
    detector = Detector(**widths_of(weights))
    detector.load_state_dict(weights)
    return detector.eval()


def grid(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Where the points of a canvas lie: centres (p, 2) x y in pixels and strides (p, 1), in the order of `Detector`'s points.

    Every coarser point lies between finer ones, so one grid makes the others: torch exports 29 nodes for it, and 117 for a grid of each.
    """
    first = STRIDES[0]
    x = torch.arange(first // 2, width, first, device=like.device).to(like.dtype)
    y = torch.arange(first // 2, height, first, device=like.device).to(like.dtype)[:, None]
    x_y_stride = x * _column(like, 1, 0, 0) + y * _column(like, 0, 1, 0) + _column(like, 0, 0, first)  # (3, rows, columns)
    levels = [x_y_stride]
    for stride in STRIDES[1:]:
        step, more = stride // first, stride - first
        levels.append(x_y_stride[:, ::step, ::step] + _column(like, more / 2, more / 2, more))
    points = torch.cat([level.flatten(1) for level in levels], 1)
    return points[:2].T, points[2:].T


def _column(like: Tensor, *values: float) -> Tensor:
    return like.new_tensor(values).view(-1, 1, 1)


def decode(points: Tensor, centres: Tensor, strides: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Raw points (n, p, 13) → score logits (n, p), boxes (n, p, 4) xyxy and quads (n, p, 8), in pixels of the canvas.

    Corners are fractions of the predicted box, so they follow it at any size and a box-shaped plate needs nothing learned.
    """
    rows = points.transpose(1, 2)  # (n, 13, p), as the heads give them: a slice is one piece of memory, two numbers a point were 5,040
    centre = centres.T + rows[:, 1:3] * strides.T
    size = rows[:, 3:5].clamp(max=MAX_LOG_SIZE).exp() * strides.T
    low = centre - size / 2
    boxes = torch.cat([low, low + size], 1)
    quads = torch.cat([low, low, low, low], 1) + rows[:, 5:13] * torch.cat([size, size, size, size], 1)
    return rows[:, 0], boxes.transpose(1, 2), quads.transpose(1, 2)


class Deployed(nn.Module):
    """The detector as it is released: image → `scores` (n, p) in 0..1, `boxes` (n, p, 4), `quads` (n, p, 8)."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        centres, strides = grid(image.shape[2], image.shape[3], image)
        logits, boxes, quads = decode(self.detector(image), centres, strides)
        return logits.sigmoid(), boxes, quads


def cost(detector: Detector, size_px: tuple[int, int]) -> tuple[int, int]:
    """Multiply-accumulates of the convolutions for one (h, w) canvas, and the number of parameters."""
    macs: list[int] = []
    hooks = [
        conv.register_forward_hook(lambda layer, _, out: macs.append(out.numel() * layer.weight[0].numel()))
        for conv in detector.modules()
        if isinstance(conv, nn.Conv2d)
    ]
    with torch.no_grad():
        detector(next(detector.parameters()).new_zeros(1, 3, *size_px))
    for hook in hooks:
        hook.remove()
    return sum(macs), sum(parameter.numel() for parameter in detector.parameters())
