"""A small judge of realism, trained from nothing: does a gray plate look made or real? Its held-out AUC is the measure, 0.5 the goal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

Rng = np.random.Generator
Pictures = Mapping[tuple[int, int], Tensor]
"""Gray pictures (n, 1, h, w) in 0..1 by their canvas (h, w)."""


class Classifier(nn.Sequential):
    """(n, 1, h, w) → logits (n,), above 0 where a picture looks made."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__(
            nn.PixelUnshuffle(2), nn.Conv2d(4, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, 2 * channels, 3, 2, 1), nn.BatchNorm2d(2 * channels), nn.ReLU(),
            nn.Conv2d(2 * channels, 2 * channels, 3, 2, 1), nn.BatchNorm2d(2 * channels), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(2 * channels, 1), nn.Flatten(0),
        )  # fmt: skip


def train(real: Pictures, made: Pictures, rng: Rng, steps: int, batch_size: int = 64) -> Classifier:
    """As many real as made pictures in each batch, mirrored at random; a canvas as often as real pictures have it."""
    net = Classifier()
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, steps)
    canvases = [canvas for canvas in real if len(real[canvas]) and len(made[canvas])]
    chances = np.array([len(real[canvas]) for canvas in canvases]) / sum(len(real[canvas]) for canvas in canvases)
    half = batch_size // 2
    truth = torch.cat([torch.zeros(half), torch.ones(half)])
    for _ in range(steps):
        canvas = canvases[int(rng.choice(len(canvases), p=chances))]
        batch = torch.cat([part[canvas][torch.from_numpy(rng.integers(len(part[canvas]), size=half))] for part in (real, made)])
        logits = net.train()(batch.flip(3) if rng.random() < 0.5 else batch)
        loss = F.binary_cross_entropy_with_logits(logits, truth)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    return net.eval()


@torch.no_grad()
def score(net: Classifier, real: Pictures, made: Pictures) -> float:
    """Held-out AUC: per canvas, so that its shape tells nothing, and averaged by how many real pictures each has."""
    canvases = [canvas for canvas in real if len(real[canvas]) and len(made[canvas])]
    if not canvases:
        raise ValueError("no held-out pictures, real and made, of one canvas: give more pictures, every fifth is held out")
    areas = [auc(net(made[canvas]).numpy(), net(real[canvas]).numpy()) for canvas in canvases]
    return float(np.average(areas, weights=[len(real[canvas]) for canvas in canvases]))


def auc(above: np.ndarray, below: np.ndarray) -> float:
    """The chance that one of `above` scores higher than one of `below`; ties count half."""
    difference = above[:, None] - below[None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())
