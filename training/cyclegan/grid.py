"""What a training shows of itself: a grid of samples, and three signs of health in numbers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from alpr.imaging import picture_from_tensor
from training.cyclegan.network import Makers


@torch.no_grad()
def write(path: Path, makers: Makers, sharp: Tensor, poor: Tensor) -> None:
    """A PNG: poor pictures in the top row; below, each sharp one at the left and in the style of every poor one above."""
    styles = makers.style(poor)
    top = torch.cat([torch.ones_like(poor[:1]), poor])
    rows = [torch.cat([one[None], makers.to_poor(one.expand(len(poor), -1, -1, -1), styles)]) for one in sharp]
    table = [np.hstack([picture_from_tensor(picture.numpy()) for picture in row]) for row in (top, *rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.vstack(table))


@torch.no_grad()
def signs(makers: Makers, sharp: Tensor, poor: Tensor) -> dict[str, float]:
    """Mean gradient of made and of real poor pictures, which should meet, and how far apart two styles make a plate (0 = collapse)."""
    styles = makers.style(poor)
    made, other = makers.to_poor(sharp, styles), makers.to_poor(sharp, styles.roll(1, 0))
    return {"edges_made": _edges(made), "edges_real": _edges(poor), "styles_apart": float((made - other).abs().mean())}


def _edges(image: Tensor) -> float:
    return float(image.diff(dim=2).abs().mean() + image.diff(dim=3).abs().mean())
