"""Labelled pictures as the detector learns from them: sets read from disk, held as their own compressed bytes, and split."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from alpr.imaging import quad_from_box
from alpr.types import F32, U8

HELD_OUT_EVERY = 20
"""One picture in so many is for validation: the same ones in every run."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A picture with its plates."""

    bgr: U8  # (h, w, 3)
    quads: F32  # (k, 4, 2); the box's own corners where the true ones are unknown
    cornered: NDArray[np.bool_]  # (k,) whether the true corners are known

    @property
    def boxes(self) -> F32:
        """(k, 4) xyxy around the quads."""
        return np.concatenate([self.quads.min(axis=1), self.quads.max(axis=1)], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A labelled picture as it lies in memory: still compressed, a tenth of its pixels' size, decoded in 2-3 ms."""

    encoded: NDArray[np.uint8]
    boxes: F32  # (k, 4)

    def decode(self) -> Labelled:
        bgr = cv2.imdecode(self.encoded, cv2.IMREAD_COLOR)
        quads = np.stack([quad_from_box(box) for box in self.boxes]) if len(self.boxes) else np.zeros((0, 4, 2), np.float32)
        return Labelled(bgr, quads, np.zeros(len(quads), bool))  # type: ignore[arg-type]


def load(folder: Path) -> list[Stored]:
    """Every picture of a set whose plates have boxes, in the order of its `labels.jsonl`.

    Raises ValueError with file and line for a row that cannot be used, and for a picture that is not one.
    """
    labels = folder / "labels.jsonl"
    if not labels.is_file():
        raise ValueError(f"{labels}: not there; expected a set: a folder with images/ and labels.jsonl")
    rows = labels.read_text(encoding="utf-8").splitlines()
    return [_stored(folder, row, f"{labels}:{number}") for number, row in enumerate(rows, 1) if row.strip()]


def _stored(folder: Path, row: str, where: str) -> Stored:
    try:
        fields = json.loads(row)
        boxes = np.array([plate["box"] for plate in fields["plates"]], np.float32).reshape(-1, 4)
        encoded = np.fromfile(folder / fields["image"], np.uint8)
    except (json.JSONDecodeError, KeyError, ValueError, OSError) as error:
        raise ValueError(f"{where}: expected image and plates with a box each, found {row[:80]!r} ({error})") from error
    if not cv2.haveImageReader(str(folder / fields["image"])):
        raise ValueError(f"{where}: {fields['image']} is not a picture that OpenCV reads")
    return Stored(encoded, boxes)


def split(pictures: Sequence[Stored]) -> tuple[list[Stored], list[Stored]]:
    """A set's pictures → (to train on, held out)."""
    train = [picture for i, picture in enumerate(pictures) if i % HELD_OUT_EVERY]
    return train, list(pictures[::HELD_OUT_EVERY])
