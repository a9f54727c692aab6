"""Endless reader samples: rendered plates through a view and the hybrid recipe, with some real low-resolution crops among them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

from alpr.imaging import resize
from alpr.types import ALPHABET, U8
from training.degradation import hybrid
from training.ocr.network import CLASSES, SLOTS
from training.synth import glyphs, plates, views

INPUT_PX = (64, 128)
POSES = ((0.52, views.RECTIFIED), (0.38, views.LOOSE), (0.1, views.WILD))
VIEWS_A_PLATE = 2
"""Drawing a plate costs more than looking at it: each is seen twice, in other poses, light and weather."""


@dataclass(frozen=True, slots=True)
class Sample:
    bgr: U8  # any size
    text: str
    two_lines: bool


def real_crops(folder: Path, skip: int = 0, most: int | None = None) -> list[Sample]:
    """One-line crops with known text; signs outside A-Z0-9 (a province's) are not ours to read and leave the truth."""
    rows = [json.loads(line) for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()][skip:]
    samples = []
    for row in rows[:most]:
        text = "".join(char for char in row["plates"][0]["text"] if char in ALPHABET)
        samples.append(Sample(cv2.imread(str(folder / row["image"])), text, False))  # type: ignore[arg-type]
    return samples


def rendered(rng: np.random.Generator, faces: dict[str, glyphs.Face], hardest: float, easy_samples: int) -> Iterator[Sample]:
    """Rendered plates, degraded by severities from none to `hardest`, which is approached over the first `easy_samples`."""
    for drawn in itertools.count(step=VIEWS_A_PLATE):
        reach = hardest * min(1.0, 0.3 + 0.7 * drawn / max(1, easy_samples))
        plate = plates.render_plate(rng, faces, line_px=int(rng.integers(26, 48)))
        line_px = plate.bgr.shape[0] / (1.9 if plate.lines == 2 else 1)
        for _ in range(VIEWS_A_PLATE):
            pose = POSES[int(rng.choice(len(POSES), p=[share for share, _ in POSES]))][1]
            seen = views.view(rng, plate.bgr, pose).bgr
            recipe = hybrid.recipe(rng, line_px, reach * rng.beta(1.2, 1.4))
            yield Sample(hybrid.replay(seen, recipe), plate.text, plate.lines == 2)


def encode(sample: Sample) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A sample → picture (3, 64, 128) uint8 RGB, targets (SLOTS,) int64, lines () float32."""
    rgb = np.ascontiguousarray(resize(sample.bgr, INPUT_PX)[:, :, ::-1].transpose(2, 0, 1))
    target = [ALPHABET.index(char) for char in sample.text] + [CLASSES - 1] * (SLOTS - len(sample.text))
    return torch.from_numpy(rgb), torch.tensor(target), torch.tensor(float(sample.two_lines))


class Samples(IterableDataset):
    """Rendered samples, and `real_share` real ones, spoilt a little further; each worker draws from its own seed."""

    def __init__(self, seed: Sequence[int], real: list[Sample], real_share: float, hardest: float = 1.1, easy_samples: int = 0) -> None:
        self.seed, self.real, self.real_share, self.hardest, self.easy_samples = seed, real, real_share, hardest, easy_samples

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([*self.seed, worker.id if worker else 0])
        made = rendered(rng, glyphs.faces(rng, strokes=40), self.hardest, self.easy_samples)
        while True:
            yield encode(self._real(rng) if self.real and rng.random() < self.real_share else next(made))

    def _real(self, rng: np.random.Generator) -> Sample:
        sample = self.real[int(rng.integers(len(self.real)))]
        bgr = cv2.resize(sample.bgr, None, fx=rng.uniform(1.2, 2.5), fy=rng.uniform(1.2, 2.5), interpolation=cv2.INTER_CUBIC)
        bgr = views.view(rng, bgr, views.Pose(1.5, 0.04, 0.02, (-0.01, 0.08))).bgr  # type: ignore[arg-type]
        return Sample(hybrid.replay(bgr, hybrid.recipe(rng, float(bgr.shape[0]), 0.35 * rng.random())), sample.text, sample.two_lines)
