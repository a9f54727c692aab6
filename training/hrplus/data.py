"""Pairs for HR+: a rendered plate at twice the size, and the same plate small, after two rounds of degradation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

from alpr.types import ALPHABET, U8
from training.degradation import hybrid
from training.ocr.network import CLASSES, SLOTS
from training.synth import glyphs, plates, views

SIZE_PX = (48, 128)
"""Of the degraded picture (h, w)."""
WORN = 0.35
"""How worn the truth may be: HR+ is to clean noise and blur, not to paint a new plate."""


class Pairs(IterableDataset):
    """Endless (degraded (3, h, w), clean (3, 2h, 2w)) uint8 RGB, targets (SLOTS,), two-line flag."""

    def __init__(self, seed: Sequence[int], severity: float = 0.6) -> None:
        self.seed, self.severity = tuple(seed), severity

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]]:
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([*self.seed, worker.id if worker else 0])
        faces = glyphs.faces(rng, strokes=40)
        while True:
            plate = plates.render_plate(rng, faces, line_px=int(rng.integers(60, 90)), wear=WORN)
            clean = cv2.resize(views.view(rng, plate.bgr, views.LOOSE).bgr, (2 * SIZE_PX[1], 2 * SIZE_PX[0]), interpolation=cv2.INTER_AREA)
            small = cv2.resize(clean, (SIZE_PX[1], SIZE_PX[0]), interpolation=cv2.INTER_AREA)
            target = [ALPHABET.index(char) for char in plate.text] + [CLASSES - 1] * (SLOTS - len(plate.text))
            two_lines = plate.lines == 2
            degraded = second_order(rng, small, SIZE_PX[0] / (2.2 if two_lines else 1.2), self.severity)  # type: ignore[arg-type]
            yield _rgb(degraded), _rgb(clean), torch.tensor(target), torch.tensor(float(two_lines))  # type: ignore[arg-type]


def second_order(rng: np.random.Generator, bgr: U8, line_px: float, severity: float) -> U8:
    """Two rounds of a random recipe, the second one milder: what a picture suffers in the camera, and then on its way."""
    first = hybrid.replay(bgr, hybrid.recipe(rng, line_px, severity * rng.random()))
    return hybrid.replay(first, hybrid.recipe(rng, line_px, 0.6 * severity * rng.random()))


def _rgb(bgr: U8) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(bgr[:, :, ::-1].transpose(2, 0, 1)))
