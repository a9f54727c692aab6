"""Batches for the network, composed in a process of their own while it trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from training.detector.composition import Composer, Sample
from training.detector.losses import Targets

QUEUED = 6


@dataclass(frozen=True, slots=True)
class Sizes:
    """The canvases that batches have, one size a batch, about as many pixels in each batch."""

    sizes_px: Sequence[tuple[int, int]]  # (h, w)
    weights: Sequence[float]
    batch_px: int

    def draw(self, rng: np.random.Generator) -> tuple[tuple[int, int], int]:
        """A size and how many pictures of it make a batch."""
        weights = np.array(self.weights, float)
        height, width = self.sizes_px[rng.choice(len(self.sizes_px), p=weights / weights.sum())]
        return (height, width), max(1, round(self.batch_px / (height * width)))


class Batches(IterableDataset[tuple[torch.Tensor, Targets]]):
    """Composed batches without end: pictures (n, h, w, 3) uint8 BGR, and their targets."""

    def __init__(self, composer: Composer, sizes: Sizes, seed: tuple[int, ...]) -> None:
        self.composer, self.sizes, self.seed = composer, sizes, seed

    def __iter__(self) -> Iterator[tuple[torch.Tensor, Targets]]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.seed)
        while True:
            size_px, count = self.sizes.draw(rng)
            yield collate([self.composer.sample(size_px, rng) for _ in range(count)])


def loader(batches: Batches, workers: int = 1) -> DataLoader[Any]:
    """The batches, made ahead by one worker process; it ends with this process."""
    if not workers:
        return DataLoader(batches, batch_size=None)
    # forked: the pictures lie in memory once, and a plate renderer may be a closure
    return DataLoader(batches, batch_size=None, num_workers=workers, prefetch_factor=QUEUED, multiprocessing_context="fork")


def collate(samples: Sequence[Sample]) -> tuple[torch.Tensor, Targets]:
    """Samples of one size → pictures (n, h, w, 3) uint8 and padded targets."""
    most = max(1, max(len(sample.boxes) for sample in samples))
    boxes = np.zeros((len(samples), most, 4), np.float32)
    quads = np.zeros((len(samples), most, 8), np.float32)
    real, ignored, cornered = (np.zeros((len(samples), most), bool) for _ in range(3))
    for row, sample in enumerate(samples):
        count = len(sample.boxes)
        boxes[row, :count], quads[row, :count] = sample.boxes, sample.quads.reshape(-1, 8)
        real[row, :count], ignored[row, :count], cornered[row, :count] = ~sample.ignored, sample.ignored, sample.cornered
    pictures = torch.from_numpy(np.stack([sample.bgr for sample in samples]))
    return pictures, Targets(*(torch.from_numpy(part) for part in (boxes, quads, real, ignored, cornered)))


def image_from_pictures(pictures: torch.Tensor) -> torch.Tensor:
    """(n, h, w, 3) uint8 BGR → (n, 3, h, w) float32 RGB in 0..1, channels last in memory, as convolutions like it."""
    return pictures.flip(-1).permute(0, 3, 1, 2).float().div_(255)
