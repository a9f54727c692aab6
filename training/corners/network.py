"""The network that finds a plate's four corners in a piece of picture around it: a few convolutions, then two linear layers.

The detector's corners are as coarse as its cells; here the plate fills the canvas whatever its size on the road, as in the spatial
transformers of Jaderberg et al. (arXiv:1506.02025) and the corner regression of Silva and Jung (ECCV 2018, WPOD-NET).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.ocr.network import Block, ConvNorm

SIZE_PX = (48, 96)
REST = (0.12, 0.19, 0.88, 0.19, 0.88, 0.81, 0.12, 0.81)
"""Corners x, y as shares of the canvas where nothing is said: what `alpr.imaging.ROOM` leaves of it."""


class CornerNet(nn.Module):
    """(n, 3, 48, 96) RGB in 0..1 → (n, 8): x, y of the corners, clockwise from the top left, as shares of width and height."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            ConvNorm(3, 32, stride=2),  # 24x48
            ConvNorm(32, 48, stride=2),  # 12x24
            Block(48),
            ConvNorm(48, 96, stride=2),  # 6x12
            Block(96),
            nn.Conv2d(96, 32, 1),
            nn.ReLU(),
        )
        self.corners = nn.Sequential(nn.Flatten(), nn.Linear(32 * 6 * 12, 128), nn.ReLU(), nn.Linear(128, 8))
        last = self.corners[-1]
        nn.init.normal_(last.weight, std=0.01)
        last.bias.data = torch.tensor(REST)

    def forward(self, image: Tensor) -> Tensor:
        mean = image.mean((1, 2, 3), keepdim=True)
        spread = (image - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
        return self.corners(self.encoder((image - mean) / (spread + 0.02)))
