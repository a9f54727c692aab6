"""LPSR: a pixel-unshuffle auto-encoder, a residual dense network with channel-and-spatial attention, and a sigmoid; 1x scale.

Architecture after Nascimento et al., "Super-Resolution of License Plate Images Using Attention Modules and Sub-Pixel
Convolution Layers" (Computers & Graphics 2023, arXiv:2305.17313): shallow features through PixelUnshuffle and PixelShuffle
instead of pooling, residual dense blocks (Zhang et al., CVPR 2018) with a CSAR each, global fusion. Ours differs in that all
features live at half resolution, and in that the residual is added before the sigmoid, so that an untrained net is the identity.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def conv(inputs: int, outputs: int, size: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, padding=size // 2)


class AutoEncoder(nn.Module):
    """Look at a wider context without losing a pixel: unshuffle, squeeze, shuffle back; (n, c, h, w) → the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2), conv(4 * channels, channels), nn.ReLU(), conv(channels, 4 * channels), nn.ReLU(), nn.PixelShuffle(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class ChannelSpatialAttention(nn.Module):
    """CSAR: which channels matter (from their means) and where (from the map), side by side, fused, as a residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channel = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), conv(channels, channels // 4, 1), nn.ReLU(), conv(channels // 4, channels, 1), nn.Sigmoid()
        )
        self.spatial = nn.Sequential(conv(channels, channels // 4, 1), nn.ReLU(), conv(channels // 4, 1, 3), nn.Sigmoid())
        self.fuse = conv(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.fuse(torch.cat([x * self.channel(x), x * self.spatial(x)], 1))


class DenseBlock(nn.Module):
    """Residual dense block: every layer sees all before it; a 1x1 fusion, a residual, then a CSAR."""

    def __init__(self, channels: int, growth: int, layers: int, attention: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(conv(channels + i * growth, growth) for i in range(layers))
        self.fuse = conv(channels + layers * growth, channels, 1)
        self.attention = ChannelSpatialAttention(channels) if attention else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:
            features.append(torch.relu(layer(torch.cat(features, 1))))
        return self.attention(x + self.fuse(torch.cat(features, 1)))


class LPSR(nn.Module):
    """A plate (n, 3, h, w) RGB in 0..1, h and w multiples of 4 → the plate as it would look clean, same shape and range."""

    def __init__(
        self, channels: int = 32, growth: int = 16, blocks: int = 4, layers: int = 3, attention: bool = True, auto_encoder: bool = True
    ) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.PixelUnshuffle(2), conv(12, channels))
        self.auto_encoder = AutoEncoder(channels) if auto_encoder else nn.Identity()
        self.blocks = nn.ModuleList(DenseBlock(channels, growth, layers, attention) for _ in range(blocks))
        self.fuse = nn.Sequential(conv(blocks * channels, channels, 1), conv(channels, channels))
        self.leave = nn.Sequential(conv(channels, 12), nn.PixelShuffle(2))
        nn.init.zeros_(self.leave[0].weight)
        nn.init.zeros_(self.leave[0].bias)

    def forward(self, image: Tensor) -> Tensor:
        shallow = self.auto_encoder(self.enter(image))
        x, outputs = shallow, []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        change = self.leave(shallow + self.fuse(torch.cat(outputs, 1)))
        # the logit, so that the sigmoid of no change is the input; in full width, since half of it would round the picture
        within = image.clamp(0.01, 0.99)
        return torch.sigmoid(change.to(image.dtype) + torch.log(within / (1 - within)))


def from_weights(weights: Mapping[str, Tensor]) -> LPSR:
    """An LPSR whose size and parts are read off its weights."""
    first = weights["blocks.0.layers.0.weight"]
    net = LPSR(
        channels=first.shape[1],
        growth=first.shape[0],
        blocks=len({name.split(".")[1] for name in weights if name.startswith("blocks.")}),
        layers=len({name.split(".")[3] for name in weights if name.startswith("blocks.0.layers.")}),
        attention=any(name.startswith("blocks.0.attention.") for name in weights),
        auto_encoder=any(name.startswith("auto_encoder.") for name in weights),
    )
    net.load_state_dict(weights)
    return net.eval()
