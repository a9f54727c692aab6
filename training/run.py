"""What every training shares: a clock that shapes the learning rate, averaged weights, checkpoints that survive a cut, metrics.csv."""

from __future__ import annotations

import copy
import csv
import math
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn


class Progress(ABC):
    """How far a training is, and the learning rate that belongs there. `spent_s`: of earlier runs, so that it survives a resume."""

    def __init__(self, spent_s: float = 0.0) -> None:
        self.started = time.monotonic() - spent_s

    @property
    @abstractmethod
    def fraction(self) -> float:
        """0 at the beginning, 1 at the end."""

    @property
    def spent_s(self) -> float:
        return time.monotonic() - self.started

    def rate(self, peak: float, warm_up: float = 0.02, floor: float = 0.01) -> float:
        """Learning rate now: linear warm-up over that fraction, then a cosine down to floor * peak."""
        return cosine(self.fraction, peak, warm_up, floor)


class Clock(Progress):
    """By elapsed minutes: a budget that a machine without a GPU can keep."""

    def __init__(self, minutes: float, spent_s: float = 0.0) -> None:
        super().__init__(spent_s)
        self.budget_s = minutes * 60

    @property
    def fraction(self) -> float:
        return min(1.0, self.spent_s / self.budget_s)

    def __str__(self) -> str:
        left = max(0.0, self.budget_s - self.spent_s)
        return f"{self.fraction:4.0%}, {left / 60:.1f} min left"


class Steps(Progress):
    """By a known number of steps, counted by the caller through `done`."""

    def __init__(self, total: int, spent_s: float = 0.0) -> None:
        super().__init__(spent_s)
        self.total, self.done = max(1, total), 0

    @property
    def fraction(self) -> float:
        return min(1.0, self.done / self.total)

    def __str__(self) -> str:
        return f"{self.fraction:4.0%}, step {self.done} of {self.total}"


def cosine(fraction: float, peak: float, warm_up: float, floor: float) -> float:
    """Learning rate at a fraction of a training: linear warm-up, then a cosine down to floor * peak."""
    if fraction < warm_up:
        return peak * max(fraction / warm_up, 0.01)
    along = (fraction - warm_up) / (1 - warm_up)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * along)))


class Average:
    """Exponential moving average of a model's weights (and buffers), quick at first, `decay` later."""

    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay, self.steps = decay, 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.steps += 1
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for mine, new in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(new, 1 - keep)
            else:
                mine.copy_(new)


def save(path: Path, **parts: Any) -> None:
    """Write a checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save({name: value.state_dict() if hasattr(value, "state_dict") else value for name, value in parts.items()}, part)
    os.replace(part, path)


def load(path: Path) -> dict[str, Any] | None:
    """A checkpoint's parts, or None where there is none yet. Only tensors and plain values are read."""
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None


def append_metrics(path: Path, row: Mapping[str, float | int | str]) -> None:
    """Add a row to metrics.csv; the first row names the columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow({key: f"{value:.5g}" if isinstance(value, float) else value for key, value in row.items()})
