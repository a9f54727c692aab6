"""What an enhanced plate is judged by: its pixels, its edges, and what a frozen reader sees in it and reads from it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.ocr.network import CLASSES, ReaderNet
from training.ocr.network import loss as reading_loss

READER_PX = (64, 128)


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part counts; 0 leaves it out."""

    pixel: float = 1.0
    edge: float = 0.5
    perceptual: float = 0.02
    reading: float = 0.02


def pixel(made: Tensor, truth: Tensor) -> Tensor:
    """Charbonnier: an L1 that is smooth at zero."""
    return torch.sqrt((made - truth) ** 2 + 1e-6).mean()


def edge(made: Tensor, truth: Tensor) -> Tensor:
    """L1 between the gradients of both."""
    return sum(((made.diff(dim=axis) - truth.diff(dim=axis)).abs().mean() for axis in (2, 3)), made.new_zeros(()))


class Reading(nn.Module):
    """A frozen reader as a judge: how far its features are from the clean plate's, and what it reads.

    Features take the place of VGG's in a perceptual loss (Johnson et al., ECCV 2016, arXiv:1603.08155): they were learned from plates,
    and their weights are our own. Characters that the reader confuses often weigh more: `wrong` follows how unsure it is of each.
    """

    def __init__(self, reader: ReaderNet, confusion: float = 0.0, memory: float = 0.99) -> None:
        super().__init__()
        self.reader = reader.eval().requires_grad_(False)
        self.confusion, self.memory = confusion, memory
        self.register_buffer("wrong", torch.ones(CLASSES))

    def forward(self, made: Tensor, clean: Tensor, targets: Tensor, lines: Tensor) -> tuple[Tensor, Tensor]:
        """→ the perceptual and the reading loss of enhanced plates (n, 3, h, w) against clean ones."""
        features = self.reader.features(_resized(made))
        with torch.no_grad():
            wanted = self.reader.features(_resized(clean))
        logits, two_lines = self.reader.decode(features)
        perceptual = (features.float() - wanted.float()).abs().mean()
        self._learn(logits.detach().float(), targets)
        return perceptual, reading_loss(logits.float(), two_lines.float(), targets, lines, 0.0, self.weights())

    def weights(self) -> Tensor:
        """(CLASSES,) of mean 1, within 1/3 and 3."""
        return (1 + self.confusion * (self.wrong / self.wrong.mean() - 1)).clamp(1 / 3, 3)

    def _learn(self, logits: Tensor, targets: Tensor) -> None:
        doubt = 1 - torch.softmax(logits, -1).gather(-1, targets[..., None])[..., 0].flatten()
        count = torch.bincount(targets.flatten(), minlength=CLASSES)
        mean = torch.bincount(targets.flatten(), doubt, CLASSES) / count.clamp(min=1)
        self.wrong.copy_(torch.where(count > 0, self.memory * self.wrong + (1 - self.memory) * mean, self.wrong))


def _resized(image: Tensor) -> Tensor:
    return F.interpolate(image, READER_PX, mode="bilinear", align_corners=False)
