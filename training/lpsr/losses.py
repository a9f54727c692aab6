"""What an enhanced plate is judged by: its pixels, its edges, and whether a frozen reader reads it right."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.ocr.network import ReaderNet
from training.ocr.network import loss as reading_loss

READER_PX = (64, 128)


def pixel(made: Tensor, truth: Tensor) -> Tensor:
    """Charbonnier: an L1 that is smooth at zero."""
    return torch.sqrt((made - truth) ** 2 + 1e-6).mean()


def edge(made: Tensor, truth: Tensor) -> Tensor:
    """L1 between the gradients of both."""
    return sum(((made.diff(dim=axis) - truth.diff(dim=axis)).abs().mean() for axis in (2, 3)), torch.zeros(()))


class Reading(nn.Module):
    """The loss of a frozen reader on the enhanced plate."""

    def __init__(self, reader: ReaderNet) -> None:
        super().__init__()
        self.reader = reader.eval().requires_grad_(False)

    def forward(self, made: Tensor, targets: Tensor, lines: Tensor) -> Tensor:
        logits, two_lines = self.reader(F.interpolate(made, READER_PX, mode="bilinear", align_corners=False))
        return reading_loss(logits, two_lines, targets, lines, smoothing=0.0)
