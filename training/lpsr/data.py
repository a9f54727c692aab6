"""Pairs made on the fly: a rendered plate seen clean, and the same view through the hybrid recipe, on LPSR's two canvases."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

from alpr.imaging import ONE_LINE_PX, TWO_LINE_PX, enhancer_canvas, resize
from alpr.types import ALPHABET, U8
from training.degradation import hybrid
from training.ocr.network import CLASSES, SLOTS
from training.synth import glyphs, plates, views

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
"""Degraded and clean (n, 3, h, w) uint8 RGB, targets (n, SLOTS) int64, two-line flags (n,) float32."""
HARDEST = (0.25, 1.15)
"""Severities: LPSR is asked only for poor plates, and must leave fair ones alone."""


class Pairs(IterableDataset):
    """Endless batches, each of one canvas; a plate of the other canvas waits for its own batch."""

    def __init__(self, seed: int, batch_size: int) -> None:
        self.seed, self.batch_size = seed, batch_size

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        faces = glyphs.faces(rng, strokes=40)
        waiting: dict[tuple[int, int], list[tuple[torch.Tensor, ...]]] = {ONE_LINE_PX: [], TWO_LINE_PX: []}
        while True:
            for canvas, pair in _pairs(rng, faces):
                waiting[canvas].append(pair)
                if len(waiting[canvas]) == self.batch_size:
                    degraded, clean, target, lines = (torch.stack(part) for part in zip(*waiting[canvas], strict=True))
                    waiting[canvas] = []
                    yield degraded, clean, target, lines


def _pairs(rng: np.random.Generator, faces: dict[str, glyphs.Face]) -> Iterator[tuple[tuple[int, int], tuple[torch.Tensor, ...]]]:
    plate = plates.render_plate(rng, faces, line_px=40)
    clean = views.view(rng, plate.bgr, views.RECTIFIED if rng.random() < 0.75 else views.LOOSE).bgr
    line_px = plate.bgr.shape[0] / (1.9 if plate.lines == 2 else 1)
    canvas = enhancer_canvas(clean)
    for _ in range(2):
        degraded = hybrid.replay(clean, hybrid.recipe(rng, line_px, rng.uniform(*HARDEST)))
        target = [ALPHABET.index(char) for char in plate.text] + [CLASSES - 1] * (SLOTS - len(plate.text))
        yield canvas, (_rgb(degraded, canvas), _rgb(clean, canvas), torch.tensor(target), torch.tensor(float(plate.lines == 2)))


def _rgb(bgr: U8, size: tuple[int, int]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(resize(bgr, size)[:, :, ::-1].transpose(2, 0, 1)))
