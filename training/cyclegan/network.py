"""A CycleGAN whose way to poor pictures takes a style: two generators, a style encoder, two patch judges, all small enough for a CPU.

Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks" (ICCV 2017, arXiv:1703.10593) for the
cycle; Almahairi et al., "Augmented CycleGAN" (ICML 2018, arXiv:1802.10151) and Huang et al., "Multimodal Unsupervised Image-to-Image
Translation" (ECCV 2018, arXiv:1804.04732) for a style beside it: many poor pictures belong to one sharp plate. The style modulates features
by scale and shift (FiLM, Perez et al., AAAI 2018, arXiv:1709.07871). No normalisation in the generators: it would take the light out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DILATIONS = (1, 2, 4, 1, 2, 1)
"""Of the generators' blocks: together they see 50 pixels, more than the widest blur that still holds text."""
GRAY = (0.299, 0.587, 0.114)


class Block(nn.Module):
    """Two 3x3 convolutions with a residual; a style (n, s), where there is one, scales and shifts the features between them."""

    def __init__(self, channels: int, dilation: int, style: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.film = nn.Linear(style, 2 * channels) if style else None

    def forward(self, x: Tensor, style: Tensor | None) -> Tensor:
        y = self.first(x)
        if self.film is not None:
            scale, shift = self.film(style)[:, :, None, None].chunk(2, 1)
            y = y * (1 + scale) + shift
        return x + self.second(F.leaky_relu(y, 0.1))


class Generator(nn.Module):
    """A plate (n, 3, h, w) RGB in 0..1, h and w even [, a style (n, s)] → the plate in the other domain, same shape and range.

    Features live at half resolution; the change is added to the input's logit, so that an untrained generator is the identity.
    """

    def __init__(self, channels: int = 32, style: int = 0) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, channels, 3, padding=1))
        self.mix = nn.Sequential(nn.Linear(style, 2 * style), nn.LeakyReLU(0.1)) if style else None
        self.blocks = nn.ModuleList(Block(channels, dilation, 2 * style) for dilation in DILATIONS)
        self.leave = nn.Sequential(nn.LeakyReLU(0.1), nn.Conv2d(channels, 12, 3, padding=1), nn.PixelShuffle(2))
        nn.init.zeros_(self.leave[1].weight)
        nn.init.zeros_(self.leave[1].bias)

    def forward(self, image: Tensor, style: Tensor | None = None) -> Tensor:
        x = self.enter(image)
        mixed = None if self.mix is None else self.mix(style)
        for block in self.blocks:
            x = block(x, mixed)
        within = image.clamp(0.01, 0.99)
        return torch.sigmoid(self.leave(x).to(image.dtype) + torch.log(within / (1 - within)))


class StyleEncoder(nn.Module):
    """A poor plate (n, 3, h, w) RGB in 0..1 → its style (n, s), each number of mean 0 and deviation 1 over the plates.

    It sees gray, so that a style cannot carry a plate's own colour over to another plate. It is standardised by what real poor
    plates gave so far (`measure`), so that all styles being one is no way out of the style loss. Standardised by each batch
    itself, differences between made pictures that no eye sees were blown up to whole styles, and the styles meant nothing.
    """

    def __init__(self, style: int = 8, channels: int = 32) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(4, channels, 3, padding=1), nn.LeakyReLU(0.1),
            nn.Conv2d(channels, 2 * channels, 4, 2, 1), nn.LeakyReLU(0.1),
            nn.Conv2d(2 * channels, 2 * channels, 3, padding=1), nn.LeakyReLU(0.1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.leave = nn.Linear(2 * channels, style)
        self.norm = nn.BatchNorm1d(style, affine=False, momentum=0.05, eps=1e-10)

    def forward(self, image: Tensor, measure: bool = False) -> Tensor:
        gray = (image * image.new_tensor(GRAY)[None, :, None, None]).sum(1, keepdim=True)
        raw = self.leave(self.body(4 * gray - 2)).float()
        if measure:
            with torch.no_grad():
                self.norm.train()(raw)
        return self.norm.eval()(raw)

    @torch.no_grad()
    def begin(self, image: Tensor) -> None:
        """Standardise by these first: from a mean of 0 and a deviation of 1 it took 150 steps until styles differed at all."""
        self.norm.momentum, kept = 1.0, self.norm.momentum
        self(image, measure=True)
        self.norm.momentum = kept


class Judge(nn.Sequential):
    """PatchGAN: (n, 3, h, w) → (n, 1, h/8, w/8), towards 1 where a patch of about 40 pixels looks real.

    Nothing is normalised: instance normalisation would hide the light, and under spectral normalisation (tried) it did not learn
    in 300 steps that poor plates have a third of the edges.
    """

    def __init__(self, channels: int = 32) -> None:
        super().__init__(
            nn.PixelUnshuffle(2), nn.Conv2d(12, channels, 3, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(channels, 2 * channels, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * channels, 2 * channels, 3, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * channels, 2 * channels, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(2 * channels, 1, 1),
        )  # fmt: skip

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(4 * image - 2)


class Makers(nn.Module):
    """What is trained to make pictures: sharp → poor with a style, poor → sharp, and the style of a poor picture."""

    def __init__(self, channels: int = 32, style: int = 8) -> None:
        super().__init__()
        self.to_poor, self.to_sharp, self.style = Generator(channels, style), Generator(channels), StyleEncoder(style)


class Judges(nn.Module):
    """What is trained to tell made pictures from real ones, a judge a domain."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.poor, self.sharp = Judge(channels), Judge(channels)
