"""The reader's network: a small convolutional encoder, then one learned query per character position attends to its map.

No line is cut and no order assumed: queries learn reading order from data, so one- and two-line plates need no switch.
The decoder follows the parallel attention of SRN (Yu et al., CVPR 2020, arXiv:2003.12294) and DETR (arXiv:2005.12872).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alpr.types import ALPHABET

SLOTS = 10
CLASSES = len(ALPHABET) + 1
GRAY = (0.299, 0.587, 0.114)


class ConvNorm(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, stride: int | tuple[int, int] = 1) -> None:
        super().__init__(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class Block(nn.Module):
    """Two dense 3x3 convolutions with a residual (He et al., arXiv:1512.03385): twice as quick to train as depthwise ones where the
    processor has bf16 matrix units, and as quick to run."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class Attention(nn.Module):
    """Queries (n, q, c) attend to a memory (n, m, c)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        def split(x: Tensor) -> Tensor:
            return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

        q, k, v = split(self.q(queries)), split(self.k(keys)), split(self.v(values))
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class DecoderLayer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.own, self.cross = Attention(width, heads), Attention(width, heads)
        self.mix = nn.Sequential(nn.Linear(width, 3 * width), nn.ReLU(), nn.Linear(3 * width, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(self, queries: Tensor, place: Tensor, memory: Tensor, keys: Tensor) -> Tensor:
        x = self.norms[0](queries)
        queries = queries + self.own(x + place, x + place, x)
        queries = queries + self.cross(self.norms[1](queries) + place, keys, memory)
        return queries + self.mix(self.norms[2](queries))


class ReaderNet(nn.Module):
    """(n, 3, 64, 128) RGB in 0..1 → logits (n, SLOTS, CLASSES) and a two-line logit (n,)."""

    def __init__(self, width: int = 128, blocks: tuple[int, int] = (1, 2), layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        half = width // 2
        self.register_buffer("gray", torch.tensor(GRAY).view(1, 3, 1, 1), persistent=False)
        self.encoder = nn.Sequential(
            ConvNorm(1, 32, stride=2),  # 32x64
            ConvNorm(32, half, stride=2),  # 16x32
            *(Block(half) for _ in range(blocks[0])),
            ConvNorm(half, width, stride=(2, 1)),  # 8x32
            *(Block(width) for _ in range(blocks[1])),
        )
        self.place = nn.Parameter(places(8, 32, width))  # as strong as the features: from 0.02 it took 40,000 samples to matter
        self.queries = nn.Parameter(torch.randn(1, SLOTS, width))
        self.start = nn.Parameter(torch.zeros(1, SLOTS, width))
        self.memory_norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(DecoderLayer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.characters = nn.Linear(width, CLASSES)
        self.two_lines = nn.Linear(width, 1)
        self.register_buffer("temperature", torch.ones(()))  # fitted after the training: see reliability

    def features(self, image: Tensor) -> Tensor:
        """The encoder's map (n, width, 8, 32), of the gray picture at zero mean and unit spread."""
        gray = (image * self.gray).sum(1, keepdim=True)
        mean = gray.mean((2, 3), keepdim=True)
        spread = ((gray - mean) ** 2).mean((2, 3), keepdim=True).sqrt()
        return self.encoder((gray - mean) / (spread + 0.02))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return self.decode(self.features(image))

    def decode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` returns, from the encoder's map."""
        memory = self.memory_norm(features.flatten(2).transpose(1, 2))
        queries = self.start.expand(features.shape[0], -1, -1)
        for layer in self.layers:
            queries = layer(queries, self.queries, memory, memory + self.place)
        return self.characters(self.norm(queries)), self.two_lines(memory.mean(1))[:, 0]


def places(rows: int, columns: int, width: int) -> Tensor:
    """Sines and cosines of row and column at wavelengths of 2 to 64 cells → (1, rows * columns, width), of unit deviation."""
    waves = 2 * torch.pi / 2 ** torch.linspace(1, 6, width // 4)
    row, column = (torch.arange(n)[:, None] * waves for n in (rows, columns))
    row, column = (torch.cat([x.sin(), x.cos()], 1) for x in (row, column))
    grid = [row[:, None].expand(-1, columns, -1), column[None].expand(rows, -1, -1)]
    return torch.cat(grid, -1).flatten(0, 1)[None] * 2**0.5


class ReaderForExport(nn.Module):
    """What the contract promises: probabilities (n, SLOTS, CLASSES) whose rows sum to 1, and two_lines (n,) in 0..1."""

    def __init__(self, net: ReaderNet) -> None:
        super().__init__()
        self.net, self.sharpness = net, 1 / float(net.temperature)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        logits, two_lines = self.net(image)
        return torch.softmax(logits * self.sharpness, dim=-1), torch.sigmoid(two_lines)


def loss(
    logits: Tensor, two_lines: Tensor, targets: Tensor, lines: Tensor, smoothing: float = 0.02, class_weights: Tensor | None = None
) -> Tensor:
    """Cross entropy per slot, blanks after the first weighing little; and a small one for the number of lines.

    targets (n, SLOTS) int64, CLASSES - 1 is blank; lines (n,) is 1 where the plate has two; class_weights (CLASSES,) where some
    characters are to matter more than others.
    """
    each = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none", label_smoothing=smoothing).view_as(targets)
    blank = targets == CLASSES - 1
    later = blank & (blank.cumsum(1) > 1)
    weight = torch.where(later, 0.1, 1.0)
    if class_weights is not None:
        weight = weight * class_weights[targets]
    return (each * weight).sum() / weight.sum() + 0.1 * F.binary_cross_entropy_with_logits(two_lines, lines)
