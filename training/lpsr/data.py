"""Pairs for LPSR on its two canvases: rendered plates spoilt on the fly, or folders of degraded and clean pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

from alpr.imaging import TWO_LINE_PX, enhancer_canvas, resize
from alpr.types import ALPHABET, U8
from training.degradation import classical, hybrid
from training.degradation.distance import Far, spoilt
from training.ocr.network import CLASSES, SLOTS
from training.synth import glyphs, plates, views

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
"""Degraded and clean (n, 3, h, w) uint8 RGB, targets (n, SLOTS) int64, two-line flags (n,) float32."""
Pair = tuple[tuple[int, int], tuple[torch.Tensor, ...]]
"""A canvas (h, w) and what a batch has of one picture."""
RECIPES = {"hybrid": hybrid.recipe, "classical": classical.recipe}
PICTURES = (".png", ".jpg", ".jpeg", ".bmp")
NEAR = Far(0.0)
UNKNOWN = -1
"""Target of a picture whose text nobody told: its clean twin is read instead."""


class Pairs(IterableDataset):
    """Endless batches, each of one canvas; a plate of the other canvas waits for its own batch."""

    def __init__(
        self, seed: Sequence[int], batch_size: int, severities: Sequence[float] = (0.0, 1.1), recipe: str = "hybrid", far: Far = NEAR
    ) -> None:
        self.seed, self.batch_size, self.severities, self.recipe, self.far = tuple(seed), batch_size, severities, recipe, far

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([*self.seed, worker.id if worker else 0])
        return batched(self._pairs(rng, glyphs.faces(rng, strokes=40)), self.batch_size)

    def _pairs(self, rng: np.random.Generator, faces: dict[str, glyphs.Face]) -> Iterator[Pair]:
        while True:
            plate = plates.render_plate(rng, faces, line_px=40)
            clean = views.view(rng, plate.bgr, views.RECTIFIED if rng.random() < 0.75 else views.LOOSE).bgr
            line_px = plate.bgr.shape[0] / (1.9 if plate.lines == 2 else 1)
            for _ in range(2):
                degraded = spoilt(rng, clean, line_px, rng.uniform(*self.severities), self.far, RECIPES[self.recipe])
                yield pair(degraded, clean, enhancer_canvas(clean), target(plate.text), plate.lines == 2)


class Folders(IterableDataset):
    """One epoch of pictures that lie under the same name in two folders, shuffled; the text is the name up to the first "_"."""

    def __init__(self, lr: Path, hr: Path, one_line_px: tuple[int, int], batch_size: int, seed: Sequence[int] | None) -> None:
        """`seed` None: in the order of names. Raises ValueError where a folder is empty or a picture has no twin."""
        self.pairs, self.one_line_px, self.batch_size, self.seed = twins(lr, hr), one_line_px, batch_size, seed

    def __len__(self) -> int:
        """At most so many batches: each canvas may end with one that is not full."""
        return -(-len(self.pairs) // self.batch_size) + 1

    def __iter__(self) -> Iterator[Batch]:
        order = np.arange(len(self.pairs)) if self.seed is None else np.random.default_rng(self.seed).permutation(len(self.pairs))
        yield from batched((self._pair(*self.pairs[i]) for i in order), self.batch_size, True)

    def _pair(self, lr: Path, hr: Path) -> Pair:
        degraded, clean = (_picture(path) for path in (lr, hr))
        two = enhancer_canvas(clean) == TWO_LINE_PX
        canvas = (2 * self.one_line_px[0], self.one_line_px[1] // 2) if two else self.one_line_px
        text = hr.stem.split("_")[0].upper()
        return pair(degraded, clean, canvas, target(text) if told(text) else torch.full((SLOTS,), UNKNOWN), two)


def twins(lr: Path, hr: Path) -> list[tuple[Path, Path]]:
    """Pictures of both folders by name, whatever their format. Raises ValueError, naming what has no twin."""
    found = [{path.stem: path for path in sorted(folder.glob("*")) if path.suffix.lower() in PICTURES} for folder in (lr, hr)]
    if alone := sorted(found[0].keys() ^ found[1].keys()):
        raise ValueError(f"{len(alone)} pictures are in one of {lr} and {hr} only, {alone[0]} first: give each the same name in both")
    if not found[0]:
        raise ValueError(f"no pictures in {lr}: expected files that end in {', '.join(PICTURES)}")
    return [(found[0][name], found[1][name]) for name in found[0]]


def told(text: str) -> bool:
    """Whether a file's name is a plate's text: letters and digits a reader knows, not too many, a digit among them."""
    return 3 <= len(text) <= SLOTS and set(text) <= set(ALPHABET) and any(char.isdigit() for char in text)


def target(text: str) -> torch.Tensor:
    """A text as classes (SLOTS,) int64, blanks behind it."""
    return torch.tensor([ALPHABET.index(char) for char in text] + [CLASSES - 1] * (SLOTS - len(text)))


def pair(degraded: U8, clean: U8, canvas: tuple[int, int], targets: torch.Tensor, two_lines: bool) -> Pair:
    """Two pictures of one plate as a canvas's part of a batch."""
    return canvas, (_rgb(degraded, canvas), _rgb(clean, canvas), targets, torch.tensor(float(two_lines)))


def batched(pairs: Iterator[Pair], batch_size: int, rest: bool = False) -> Iterator[Batch]:
    """Batches of one canvas each; `rest`: at the end also those that are not full."""
    waiting: dict[tuple[int, int], list[tuple[torch.Tensor, ...]]] = {}
    for canvas, parts in pairs:
        waiting.setdefault(canvas, []).append(parts)
        if len(waiting[canvas]) == batch_size:
            yield _stacked(waiting.pop(canvas))
    if rest:
        yield from (_stacked(left) for left in waiting.values())


def _stacked(parts: list[tuple[torch.Tensor, ...]]) -> Batch:
    degraded, clean, targets, lines = (torch.stack(part) for part in zip(*parts, strict=True))
    return degraded, clean, targets, lines


def _picture(path: Path) -> U8:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{path}: cannot be decoded as a picture; leave it out of both folders")
    return bgr  # type: ignore[return-value]


def _rgb(bgr: U8, size: tuple[int, int]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(resize(bgr, size)[:, :, ::-1].transpose(2, 0, 1)))
