"""Are the reader's probabilities true? Fit one temperature on rendered plates, and measure on others.

    python -m training.ocr.reliability --checkpoint runs/ocr/checkpoint.pt --csv results/reader-reliability.csv

Prints the temperature for `python -m training.ocr.export --temperature`. Source: Guo et al., "On Calibration of Modern Neural
Networks", ICML 2017, arXiv:1706.04599.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.ocr import data
from training.ocr.checkpoint import averaged
from training.ocr.network import CLASSES, ReaderNet

BINS = 15
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class Rows:
    """Positions that hold a character or the text's end: logits (n, CLASSES) and what is true there (n,)."""

    logits: NDArray[np.float64]
    truth: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Bin:
    """Positions of about one probability: how many, what was said on average, what share was right."""

    n: int
    said: float
    right: float


def main() -> None:
    args = _arguments()
    net = averaged(args.checkpoint)
    fitted, measured = (rows(net, seed, args.plates, args.hardest) for seed in (args.seed, args.seed + 1))
    found = temperature(fitted)
    print(f"temperature {found:.3f}, from {len(fitted.truth)} positions of {args.plates} rendered plates")
    table = []
    for name, t in (("as trained", 1.0), ("with temperature", found)):
        each = bins(measured, t)
        print(f"{name}: expected calibration error {expected_error(each):.4f}, negative log-likelihood {unlikelihood(measured, t):.4f}")
        table += [[name, round(t, 4), b.n, round(b.said, 4), round(b.right, 4)] for b in each]
    if args.csv:
        with args.csv.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["probabilities", "temperature", "positions", "said", "right"], *table])


@torch.no_grad()
def rows(net: ReaderNet, seed: int, plates: int, hardest: float) -> Rows:
    """The reader's logits on rendered plates of a seed, at the positions that count: up to the first blank of the truth."""
    samples = iter(data.Samples((seed, 0), [], 0.0, hardest))
    logits, truths = [], []
    for at in range(0, plates, 100):
        image, target, _ = (torch.stack(part) for part in zip(*(next(samples) for _ in range(min(100, plates - at))), strict=True))
        counts = (target == CLASSES - 1).cumsum(1) <= 1
        logits.append(net(image.float() / 255)[0][counts])
        truths.append(target[counts])
    return Rows(torch.cat(logits).double().numpy(), torch.cat(truths).numpy())


def temperature(found: Rows, low: float = 0.3, high: float = 4.0) -> float:
    """What to divide logits by so that the truth is likeliest: a golden-section search, as the likelihood has one top."""
    a, b = np.log(low), np.log(high)
    for _ in range(40):
        left, right = b - GOLDEN * (b - a), a + GOLDEN * (b - a)
        a, b = (a, right) if unlikelihood(found, np.exp(left)) < unlikelihood(found, np.exp(right)) else (left, b)
    return float(np.exp((a + b) / 2))


def unlikelihood(found: Rows, t: float) -> float:
    """Mean negative log-likelihood of the truth, in nats."""
    log_p = _log_softmax(found.logits / t)
    return float(-log_p[np.arange(len(log_p)), found.truth].mean())


def bins(found: Rows, t: float) -> list[Bin]:
    """Positions by the probability of the likeliest character, in BINS equal steps; empty ones are left out."""
    p = np.exp(_log_softmax(found.logits / t))
    said, right = p.max(1), p.argmax(1) == found.truth
    step = np.minimum((said * BINS).astype(int), BINS - 1)
    members = [step == i for i in range(BINS)]
    return [Bin(int(m.sum()), float(said[m].mean()), float(right[m].mean())) for m in members if m.any()]


def expected_error(each: Sequence[Bin]) -> float:
    """Expected calibration error: the mean distance between what was said and what was right, weighed by counts."""
    return sum(b.n * abs(b.said - b.right) for b in each) / sum(b.n for b in each)


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.ocr.reliability", description="Are the reader's probabilities true?")
    parser.add_argument("--checkpoint", type=Path, required=True, help="checkpoint.pt or reader.safetensors")
    parser.add_argument("--plates", type=int, default=3000, help="to fit on, and as many to measure on")
    parser.add_argument("--hardest", type=float, default=0.8)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--seed", type=int, default=31)
    return parser.parse_args()


if __name__ == "__main__":
    main()
