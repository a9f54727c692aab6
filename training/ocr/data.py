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

from alpr.imaging import TWO_LINE_PX, enhancer_canvas, resize
from alpr.types import ALPHABET, U8
from training.degradation import hybrid
from training.degradation.distance import Far, spoilt
from training.ocr.network import CLASSES, SLOTS
from training.synth import glyphs, plates, views

INPUT_PX = (64, 128)
PICTURES = (".png", ".jpg", ".jpeg", ".bmp")
POSES = ((0.45, views.RECTIFIED), (0.38, views.LOOSE), (0.17, views.WILD))
FAR = Far(0.5, (6.0, 26.0), 0.8)
VIEWS_A_PLATE = 2
"""Drawing a plate costs more than looking at it: each is seen twice, in other poses, light and weather."""


@dataclass(frozen=True, slots=True)
class Sample:
    bgr: U8  # any size
    text: str
    two_lines: bool


def real_crops(labels: Path) -> list[Sample]:
    """Crops with text: a set's folder, a labels file as `pseudo` writes it, or a plain folder whose file names are the truth.

    As many lines as a row says, one where it says none; in a plain folder the shape says it. Signs outside A-Z0-9 (a province's) are
    not ours to read and leave the truth.
    """
    if labels.is_dir() and not (labels / "labels.jsonl").exists():
        return list(_named(labels))
    labels = labels / "labels.jsonl" if labels.is_dir() else labels
    samples = []
    for row in map(json.loads, labels.read_text(encoding="utf-8").splitlines()):
        plate, bgr = row["plates"][0], cv2.imread(str(labels.parent / row["image"]))
        if bgr is None:
            raise ValueError(f"{labels.parent / row['image']}: cannot be decoded as a picture; take its row out of {labels}")
        text = "".join(char for char in plate["text"] if char in ALPHABET)
        samples.append(Sample(_around(bgr, plate.get("box")), text, plate.get("lines", 1) == 2))  # type: ignore[arg-type]
    return samples


def _named(folder: Path) -> Iterator[Sample]:
    """51K12345_7.png holds the plate 51K12345."""
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURES)
    if not paths:
        raise ValueError(f"{folder}: neither labels.jsonl nor pictures in it; expected names such as 51K12345.png")
    for path in paths:
        bgr, text = cv2.imread(str(path)), "".join(char for char in path.stem.upper().split("_")[0] if char in ALPHABET)
        if bgr is None or not 0 < len(text) <= SLOTS:
            raise ValueError(f"{path}: expected a picture named by the plate's text, at most {SLOTS} characters; take it out or rename it")
        yield Sample(bgr, text, enhancer_canvas(bgr) == TWO_LINE_PX)  # type: ignore[arg-type]


def _around(bgr: U8, box: Sequence[float] | None) -> U8:
    """A plate with a tenth of its size around it, of which `views` keeps more or less."""
    if box is None:
        return bgr
    (x1, y1, x2, y2), height, width = box, *bgr.shape[:2]
    dx, dy = 0.1 * (x2 - x1), 0.1 * (y2 - y1)
    return bgr[max(0, round(y1 - dy)) : min(height, round(y2 + dy)), max(0, round(x1 - dx)) : min(width, round(x2 + dx))]


def rendered(rng: np.random.Generator, faces: dict[str, glyphs.Face], hardest: float, easy_samples: int) -> Iterator[Sample]:
    """Rendered plates, degraded by severities from none to `hardest`, which is approached over the first `easy_samples`."""
    for drawn in itertools.count(step=VIEWS_A_PLATE):
        reach = hardest * min(1.0, 0.3 + 0.7 * drawn / max(1, easy_samples))
        plate = plates.render_plate(rng, faces, line_px=int(rng.integers(26, 48)))
        line_px = plate.bgr.shape[0] / (1.9 if plate.lines == 2 else 1)
        for _ in range(VIEWS_A_PLATE):
            pose = POSES[int(rng.choice(len(POSES), p=[share for share, _ in POSES]))][1]
            seen, severity = views.view(rng, plate.bgr, pose).bgr, reach * rng.beta(1.2, 1.4)
            yield Sample(spoilt(rng, seen, line_px, severity, FAR), plate.text, plate.lines == 2)


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
        high = rng.uniform(40, 72) / sample.bgr.shape[0] * (1.6 if sample.two_lines else 1.0)
        bgr = cv2.resize(sample.bgr, None, fx=high * rng.uniform(0.85, 1.2), fy=high, interpolation=cv2.INTER_CUBIC)
        bgr = views.view(rng, bgr, views.Pose(1.5, 0.04, 0.02, (-0.07, 0.08))).bgr  # type: ignore[arg-type]
        line_px = bgr.shape[0] / (2 if sample.two_lines else 1)
        return Sample(hybrid.replay(bgr, hybrid.recipe(rng, line_px, 0.5 * rng.random())), sample.text, sample.two_lines)
