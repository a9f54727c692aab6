"""HR+'s networks: RRDBNet, as ESRGAN and Real-ESRGAN have it, and a U-Net discriminator with spectral norms.

Sources: Wang et al., ESRGAN (arXiv:1809.00219) and Real-ESRGAN (arXiv:2107.10833). Layers bear the names of the official
checkpoints, so that RealESRGAN_x4plus and x2plus load by path where a user has them; ours are the same net, smaller.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

SCALES = (1, 2, 4)


class ResidualDenseBlock(nn.Module):
    """Five convolutions, each sees all before it; the last is added at a fifth of its strength."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        for i in range(5):
            self.add_module(f"conv{i + 1}", nn.Conv2d(channels + i * growth, growth if i < 4 else channels, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for i in range(4):
            features.append(F.leaky_relu(getattr(self, f"conv{i + 1}")(torch.cat(features, 1)), 0.2))
        return x + 0.2 * self.conv5(torch.cat(features, 1))


class RRDB(nn.Module):
    """Three dense blocks within a residual."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (ResidualDenseBlock(channels, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDBNet(nn.Module):
    """(n, 3, h, w) RGB in 0..1 → (n, 3, scale * h, scale * w); h and w multiples of 4 / scale. The body works at a quarter of that size.

    `residual`: add the enlarged picture, so that an hour of training need not learn to copy first; the official nets do without.
    """

    def __init__(self, scale: int = 2, channels: int = 64, blocks: int = 23, growth: int = 32, residual: bool = False) -> None:
        super().__init__()
        if scale not in SCALES:
            raise ValueError(f"scale is {scale}, expected one of {SCALES}")
        self.scale, self.residual = scale, residual
        self.conv_first = nn.Conv2d(3 * (4 // scale) ** 2, channels, 3, 1, 1)
        self.body = nn.Sequential(*(RRDB(channels, growth) for _ in range(blocks)))
        self.conv_body, self.conv_up1, self.conv_up2, self.conv_hr = (nn.Conv2d(channels, channels, 3, 1, 1) for _ in range(4))
        self.conv_last = nn.Conv2d(channels, 3, 3, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        shallow = self.conv_first(F.pixel_unshuffle(image, 4 // self.scale) if self.scale < 4 else image)
        features = shallow + self.conv_body(self.body(shallow))
        for conv in (self.conv_up1, self.conv_up2):
            features = F.leaky_relu(conv(F.interpolate(features, scale_factor=2.0)), 0.2)
        made = self.conv_last(F.leaky_relu(self.conv_hr(features), 0.2))
        return made + F.interpolate(image, scale_factor=float(self.scale), mode="bilinear") if self.residual else made


def from_checkpoint(path: Path) -> RRDBNet:
    """An RRDBNet whose size and scale are read off its weights: our own checkpoint.pt or an official .pth.

    Only tensors are read from the file. Raises ValueError where it holds another network.
    """
    found = torch.load(path, map_location="cpu", weights_only=True)
    weights = next((found[name] for name in ("average", "params_ema", "params") if name in found), found)
    try:
        first, last = weights["conv_first.weight"], max(int(name.split(".")[1]) for name in weights if name.startswith("body."))
        scale = {3: 4, 12: 2, 48: 1}[first.shape[1]]
        growth = weights["body.0.rdb1.conv1.weight"].shape[0]
        net = RRDBNet(scale, first.shape[0], last + 1, growth, found.get("network", {}).get("residual", False))
        net.load_state_dict(weights)
    except (KeyError, ValueError, RuntimeError) as error:
        expected = "RealESRGAN_x4plus.pth, RealESRGAN_x2plus.pth or a checkpoint of training.hrplus"
        raise ValueError(f"{path}: holds no RRDBNet ({error}); expected {expected}") from None
    return net.eval()


class UNetDiscriminator(nn.Module):
    """(n, 3, h, w) → how real each pixel looks, (n, 1, h, w) logits; h and w multiples of 4."""

    def __init__(self, channels: int = 24) -> None:
        super().__init__()

        def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
            return spectral_norm(nn.Conv2d(inputs, outputs, 4 if stride == 2 else 3, stride, 1, bias=False))

        self.enter = nn.Conv2d(3, channels, 3, 1, 1)
        self.down1, self.down2 = conv(channels, 2 * channels, 2), conv(2 * channels, 4 * channels, 2)
        self.up2, self.up1 = conv(4 * channels, 2 * channels), conv(2 * channels, channels)
        self.leave = nn.Sequential(conv(channels, channels), nn.LeakyReLU(0.2), nn.Conv2d(channels, 1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        x0 = F.leaky_relu(self.enter(image), 0.2)
        x1 = F.leaky_relu(self.down1(x0), 0.2)
        x2 = F.leaky_relu(self.down2(x1), 0.2)
        x1 = x1 + F.leaky_relu(self.up2(F.interpolate(x2, scale_factor=2.0, mode="bilinear")), 0.2)
        x0 = x0 + F.leaky_relu(self.up1(F.interpolate(x1, scale_factor=2.0, mode="bilinear")), 0.2)
        return self.leave(x0)
