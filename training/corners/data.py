"""Pieces of picture around plates, as a detector would cut them out: real ones with their boxes, rendered ones with their corners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

from alpr.imaging import check_quad, quad_from_box, quad_size, resize, surroundings
from alpr.types import F32, U8
from training.corners.network import SIZE_PX
from training.degradation import hybrid
from training.detector.composition import Composer, Sample

CANVASES_PX = ((288, 384), (384, 384), (320, 480))
SMALLEST_PX = 12.0
"""Narrower plates are not read."""
LEAST_SHARE = 0.1
"""Height over width of the flattest plate that can still be read."""
SHIFT, SCALE, TALLER = 0.07, 0.1, 0.08
"""How far off a detector's box is: standard deviations of its centre per size and of the logarithm of its size, and how much too high
it is on average. Judgement: detector 0.2.0 was a quarter too high on one-line plates, 0.3.0 is less."""
WEATHER, SEVERITY = 0.35, 0.6
LOOKS = 2
"""A canvas costs more than a look at its plates: each is cut out twice, as another detector would."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """What the network sees, and what it should say."""

    bgr: U8  # SIZE_PX
    quad: F32  # (4, 2) shares of the piece; of a plate whose corners are unknown, its labelled box's
    heights: F32  # (2,) the piece's width and height in heights of the plate
    cornered: bool


def pieces(composer: Composer, rng: np.random.Generator) -> Iterator[Piece]:
    """Every plate of composed canvases, without end."""
    while True:
        sample = composer.sample(CANVASES_PX[int(rng.integers(len(CANVASES_PX)))], rng)
        for _ in range(LOOKS):
            yield from around_plates(sample, rng)


def around_plates(sample: Sample, rng: np.random.Generator) -> Iterator[Piece]:
    for box, quad, cornered, ignored in zip(sample.boxes, sample.quads, sample.cornered, sample.ignored, strict=True):
        if ignored or box[2] - box[0] < SMALLEST_PX or not _shown(quad if cornered else quad_from_box(box), sample.bgr):
            continue
        found = missed(quad_from_box(np.concatenate([quad.min(axis=0), quad.max(axis=0)])), rng)
        try:
            bgr, place = surroundings(sample.bgr, found)
        except ValueError:  # missed by so much that nothing of the plate is left
            continue
        if rng.random() < WEATHER:
            bgr = hybrid.replay(bgr.copy(), hybrid.recipe(rng, quad_size(quad)[0], SEVERITY * rng.random()))
        height = max(1.0, quad_size(quad)[0])
        yield Piece(resize(bgr, SIZE_PX), place.to_shares(quad), (place.size / height).astype(np.float32), bool(cornered))


def missed(quad: F32, rng: np.random.Generator) -> F32:
    """An upright box's quad as a detector would give it."""
    low, high = quad[0], quad[2]
    size = (high - low) * np.exp(rng.normal((0, TALLER), SCALE))
    centre = (low + high) / 2 + rng.normal(0, SHIFT, 2) * (high - low)
    return quad_from_box(np.concatenate([centre - size / 2, centre + size / 2]).astype(np.float32))


def _shown(quad: F32, bgr: U8) -> bool:
    """Whether a quad is a plate's and mostly on the picture."""
    try:
        check_quad(quad, bgr.shape[:2])
    except ValueError:
        return False
    if min(quad_size(quad)) < LEAST_SHARE * max(quad_size(quad)):
        return False
    inside = (quad > -0.1 * quad_size(quad)[1]) & (quad < np.float32(bgr.shape[1::-1]) + 0.1 * quad_size(quad)[1])
    return bool(inside.all())


class Batches(IterableDataset):
    """Pieces without end, one by one: (3, 48, 96) uint8 RGB, quad (8,), heights (2,), cornered."""

    def __init__(self, composer: Composer, seed: tuple[int, ...]) -> None:
        self.composer, self.seed = composer, seed

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([*self.seed, worker.id if worker else 0])
        for piece in pieces(self.composer, rng):
            yield encode(piece)


def encode(piece: Piece) -> tuple[torch.Tensor, ...]:
    rgb = np.ascontiguousarray(piece.bgr[:, :, ::-1].transpose(2, 0, 1))
    quad, heights = torch.from_numpy(piece.quad.reshape(8).astype(np.float32)), torch.from_numpy(piece.heights)
    return torch.from_numpy(rgb), quad, heights, torch.tensor(piece.cornered)
