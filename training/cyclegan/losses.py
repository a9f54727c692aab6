"""What the makers and the judges are trained by: one pass around both cycles, and the least-squares game."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from training.cyclegan.network import Judge, Judges, Makers, StyleEncoder

HIDING_NOISE = 0.02
"""Noise on a made poor picture before the way back and before its style is looked for: a generator would hide the sharp plate,
or the style, in invisible patterns there (Chu et al., "CycleGAN, a Master of Steganography", arXiv:1712.02950)."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the makers' losses beside the game's 1, on pictures in 0..1.

    The sharp cycle weighs less: what blur destroys cannot come back. Generators that begin as the identity are given little
    to hold them there.
    """

    cycle_sharp: float = 1.5
    cycle_poor: float = 3.0
    identity: float = 0.2
    style: float = 0.5


@dataclass(frozen=True, slots=True)
class Round:
    """Both cycles around a batch of sharp (n, 3, h, w) and of poor pictures, and the makers' losses, unweighted."""

    made_poor: Tensor
    made_sharp: Tensor
    parts: dict[str, Tensor]


def around(makers: Makers, judges: Judges, sharp: Tensor, poor: Tensor) -> Round:
    """Each sharp plate takes the style of the poor one beside it. Sharp and poor go through a generator together: that is quicker."""
    n, style = len(sharp), makers.style(poor, measure=True)
    made_poor, same_poor = makers.to_poor(torch.cat([sharp, poor]), torch.cat([style, style])).split(n)
    made_sharp, same_sharp = makers.to_sharp(torch.cat([poor, sharp])).split(n)
    rough_poor = made_poor + HIDING_NOISE * torch.randn_like(made_poor)
    back_sharp = makers.to_sharp(rough_poor)
    back_poor = makers.to_poor(made_sharp, style)
    parts = {
        "game_poor": game(judges.poor(made_poor), 1.0),
        "game_sharp": game(judges.sharp(made_sharp), 1.0),
        "cycle_sharp": F.l1_loss(back_sharp, sharp),
        "cycle_poor": F.l1_loss(back_poor, poor),
        "identity": F.l1_loss(same_sharp, sharp) + F.l1_loss(same_poor, poor),
        "style": F.mse_loss(found_again(makers.style, rough_poor), style.detach()),
    }
    return Round(made_poor, made_sharp, parts)


def found_again(encoder: StyleEncoder, made: Tensor) -> Tensor:
    """The style of made pictures; the makers learn from it, the encoder does not.

    An encoder that did made all plates alike until what standardises it saw no deviation any more: loss 0.004, and no styles.
    """
    frozen = {name: value.detach() for name, value in encoder.named_parameters()}
    return functional_call(encoder, frozen, (made,))


def weighed(parts: dict[str, Tensor], weights: Weights) -> Tensor:
    """The makers' losses as one number."""
    return sum((getattr(weights, name, 1.0) * value for name, value in parts.items()), torch.zeros(()))


def game(verdict: Tensor, wanted: float) -> Tensor:
    """Least squares (Mao et al., ICCV 2017, arXiv:1611.04076)."""
    return ((verdict.float() - wanted) ** 2).mean()


def judging(judge: Judge, real: Tensor, made: Tensor) -> Tensor:
    """A judge's loss: real pictures are 1, made ones 0."""
    verdict_real, verdict_made = judge(torch.cat([real, made.detach()])).split(len(real))
    return (game(verdict_real, 1.0) + game(verdict_made, 0.0)) / 2


class History:
    """Made pictures of some steps ago: a judge that sees only the latest forgets what it knew (Shrivastava et al., CVPR 2017)."""

    def __init__(self, most: int = 64) -> None:
        self.most, self.kept = most, {}  # type: int, dict[torch.Size, list[Tensor]]

    def swap(self, made: Tensor, rng: np.random.Generator) -> Tensor:
        """Keep these pictures (n, 3, h, w); half of what comes back are earlier ones of that size."""
        kept, out = self.kept.setdefault(made.shape[1:], []), []
        for picture in made.detach():
            if len(kept) < self.most:
                kept.append(picture)
            elif rng.random() < 0.5:
                i = int(rng.integers(self.most))
                picture, kept[i] = kept[i], picture
            out.append(picture)
        return torch.stack(out)
