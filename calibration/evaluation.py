"""How well a model does its work, in the work's own measure: plates read exactly, or AP50. Never the distance between two tensors.

LPSR has no measure of its own: its plates are read by the reader in float32, and the reads are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from alpr import decode, metrics
from alpr.contract import Contract, InputSpec
from alpr.imaging import picture_from_tensor
from alpr.metrics import Answer, Scene
from alpr.types import F32, U8
from calibration.batches import batches, scene

Run = Callable[[F32], dict[str, F32]]
"""A model in some runtime: one batch → its outputs by name."""
THRESHOLD = 0.01
"""Finds below this are not counted: AP50 wants all that could matter."""


@dataclass(frozen=True, slots=True, eq=False)
class Set:
    """Pictures with their truth: crops with texts, scenes with boxes (n, 4)."""

    name: str
    crops: tuple[tuple[U8, str], ...]
    scenes: tuple[tuple[U8, F32], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a model made of a set: answers of a reader, or finds of a detector."""

    answers: tuple[Answer, ...] = ()
    scenes: tuple[Scene, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """One number for a model on some pictures, 0..1, and the error rate of characters where there are any; `n` plates.

    `turned`: the share of plates that another run, which it was compared with, reads right and this one wrong. It is steadier than the
    difference of two values, where plates that are read right by chance stand against those that were lost.
    """

    value: float
    n: int
    cer: float = 0.0
    turned: float = 0.0

    def lost(self, of: Score) -> float:
        """Points below another score; negative where it is better."""
        return 100 * (of.value - self.value)

    @property
    def rank(self) -> tuple[float, float, float]:
        """Larger is better: plates turned wrong first, then whole plates, then characters."""
        return -self.turned, self.value, -self.cer


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Measures runs of one model. `reader` is what reads LPSR's plates."""

    contract: Contract
    reader: Run | None = None
    reader_input: InputSpec | None = None

    def __call__(self, run: Run, sets: Iterable[Set]) -> Score:
        return score([self.outcome(run, each) for each in sets])

    def outcome(self, run: Run, pictures: Set) -> Outcome:
        kind, spec = self.contract.kind, self.contract.input
        if kind == "detection":
            return Outcome(scenes=tuple(found(run, spec, bgr, boxes) for bgr, boxes in pictures.scenes))
        crops, texts = [bgr for bgr, _ in pictures.crops], [text for _, text in pictures.crops]
        if kind == "ocr":
            return Outcome(answers=tuple(read(run, spec, crops, texts)))
        if self.reader is None or self.reader_input is None:
            raise ValueError("LPSR is judged by what is read of its plates: expected a reader's contract, reader.yaml, beside its own")
        return Outcome(answers=tuple(read(self.reader, self.reader_input, enhanced(run, spec, crops), texts)))


def score(outcomes: Sequence[Outcome], before: Sequence[Outcome] = ()) -> Score:
    """Pictures of several sets as one; `before`: what another run made of the same, where plates turned wrong are to be counted."""
    scenes = [scene for outcome in outcomes for scene in outcome.scenes]
    if scenes:
        return Score(metrics.average_precision(scenes), sum(len(each.truths) for each in scenes))
    answers = [answer for outcome in outcomes for answer in outcome.answers]
    known = [answer for outcome in before for answer in outcome.answers]
    turned = sum(was.right and not now.right for was, now in zip(known, answers, strict=True)) / len(answers) if known else 0.0
    return Score(metrics.accuracy(answers).value, len(answers), metrics.character_error_rate(answers), turned)


def read(run: Run, spec: InputSpec, crops: Sequence[U8], texts: Sequence[str]) -> list[Answer]:
    """What a reader says to crops."""
    reads = [""] * len(crops)
    for rows, batch in batches("ocr", spec, crops):
        out = run(batch)
        for i, lattice, two_lines in zip(rows, out["probabilities"], out["two_lines"], strict=True):
            reads[i] = decode.read(lattice, float(two_lines)).text
    return [Answer(truth, text) for truth, text in zip(texts, reads, strict=True)]


def enhanced(run: Run, spec: InputSpec, crops: Sequence[U8]) -> list[U8]:
    """Crops after LPSR, in their order."""
    made: dict[int, U8] = {}
    for rows, batch in batches("sr", spec, crops):
        made |= {i: picture_from_tensor(picture) for i, picture in zip(rows, run(batch)["enhanced"], strict=True)}
    return [made[i] for i in range(len(crops))]


def found(run: Run, spec: InputSpec, bgr: U8, boxes: F32) -> Scene:
    """What a detector finds in a picture, beside the truth."""
    batch, fit = scene(spec, bgr)
    out = run(batch)
    plates = decode.detections(out["scores"][0], out["boxes"][0], out["quads"][0], fit, bgr.shape[:2], THRESHOLD)
    return Scene(np.asarray(boxes, np.float32).reshape(-1, 4), plates.boxes, plates.scores)
