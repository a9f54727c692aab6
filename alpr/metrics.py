"""How well plates are found and read: pure functions from truths and answers to numbers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean
from typing import TypeVar

import numpy as np

from alpr.decode import ious
from alpr.types import F32

Z95 = 1.959964
HEIGHTS_PX = (0, 12, 16, 24, 32, 48, 64)
"""Where a bucket of plate heights starts."""
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Answer:
    """One plate of known text and what was read."""

    truth: str
    text: str
    score: float = 0.0
    height_px: float = 0.0
    tags: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        return self.text == self.truth


@dataclass(frozen=True, slots=True)
class Share:
    """Hits among n, with the 95 % interval of the share behind them."""

    hits: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """0 where nothing was counted."""
        return self.hits / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True)
class Gap:
    """How far the scores of right and wrong reads lie apart."""

    right: float  # mean score of right reads; 0 without any
    wrong: float  # mean score of wrong ones
    separation: float  # probability that a right read scores above a wrong one (area under the ROC); 0.5 without one of them

    @property
    def gap(self) -> float:
        return self.right - self.wrong


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """The plates of one picture: true boxes (t, 4) and found ones (f, 4) with scores (f,)."""

    truths: F32
    found: F32
    scores: F32


def share(hits: int, n: int, z: float = Z95) -> Share:
    """Hits among n with Wilson's score interval (Wilson, 1927), which holds for small n and shares near 0 and 1."""
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits among {n}, expected 0 <= hits <= n")
    if n == 0:
        return Share(0, 0, 0.0, 1.0)
    p = hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # exactly 0 and 1 at the ends, where rounding would leave 1e-17
    return Share(hits, n, 0.0 if hits == 0 else max(0.0, centre - half), 1.0 if hits == n else min(1.0, centre + half))


def accuracy(answers: Sequence[Answer]) -> Share:
    """Plates read exactly."""
    return share(sum(answer.right for answer in answers), len(answers))


def character_error_rate(answers: Sequence[Answer]) -> float:
    """Edits between reads and truths over the characters of the truths; may exceed 1; 0 without characters and edits."""
    edits = sum(edit_distance(answer.text, answer.truth) for answer in answers)
    characters = sum(len(answer.truth) for answer in answers)
    return edits / max(characters, 1)


def edit_distance(a: str, b: str) -> int:
    """Least number of characters to insert, delete or replace (Levenshtein, 1966)."""
    line = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        corner, line[0] = line[0], i
        for j, y in enumerate(b, start=1):
            corner, line[j] = line[j], min(line[j] + 1, line[j - 1] + 1, corner + (x != y))
    return line[-1]


def average_precision(scenes: Sequence[Scene], iou: float = 0.5) -> float:
    """Area under precision over recall, all-point interpolated (PASCAL VOC 2010), one class; 0 where there is no truth."""
    truths = sum(len(scene.truths) for scene in scenes)
    scores, hits = _ranked(scenes, iou)
    if not truths or not len(scores):
        return 0.0
    hit = np.cumsum(hits)
    last = np.append(scores[1:] != scores[:-1], True)  # equal scores stand or fall together
    recall, precision = (hit / truths)[last], (hit / np.arange(1, len(hits) + 1))[last]
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0.0) * envelope).sum())


def precision_recall(scenes: Sequence[Scene], threshold: float, iou: float = 0.5) -> tuple[Share, Share]:
    """Of what is found with at least this score, how much is a plate; of the plates, how many are found."""
    scores, hits = _ranked(scenes, iou)
    kept = scores >= threshold
    hit = int(hits[kept].sum())
    return share(hit, int(kept.sum())), share(hit, sum(len(scene.truths) for scene in scenes))


def percentiles(values: Iterable[float], at: Sequence[float] = (50, 95, 99)) -> dict[str, float]:
    """Of latencies, say: {"p50": …, "p95": …, "p99": …}, linear between neighbours; all 0 without values."""
    known = np.fromiter(values, np.float64)
    found = np.percentile(known, list(at)) if len(known) else np.zeros(len(at))
    return {f"p{point:g}": float(value) for point, value in zip(at, found, strict=True)}


def confidence_gap(answers: Sequence[Answer]) -> Gap:
    """Whether scores tell right reads from wrong ones."""
    right = np.array([answer.score for answer in answers if answer.right])
    wrong = np.array([answer.score for answer in answers if not answer.right])
    mean_right, mean_wrong = (fmean(scores) if len(scores) else 0.0 for scores in (right, wrong))
    if not len(right) or not len(wrong):
        return Gap(mean_right, mean_wrong, 0.5)
    above = (right[:, None] > wrong).mean() + (right[:, None] == wrong).mean() / 2
    return Gap(mean_right, mean_wrong, float(above))


def by_tag(answers: Sequence[Answer]) -> dict[str, list[Answer]]:
    """Answers under each of their tags, tags in alphabetical order."""
    return _grouped(((tag, answer) for answer in answers for tag in answer.tags), sorted)


def by_height(answers: Sequence[Answer], starts_px: Sequence[int] = HEIGHTS_PX) -> dict[str, list[Answer]]:
    """Answers by plate height: {"12-16": …, "64-": …} px, small plates first, empty buckets left out."""
    edges = sorted(starts_px)
    names = [f"{low}-{high}" for low, high in zip(edges, [*edges[1:], ""], strict=True)]
    placed = ((names[max(0, int(np.searchsorted(edges, answer.height_px, "right")) - 1)], answer) for answer in answers)
    return _grouped(placed, lambda keys: sorted(keys, key=names.index))


def _grouped(pairs: Iterable[tuple[K, T]], order: Callable[[Iterable[K]], list[K]]) -> dict[K, list[T]]:
    groups: dict[K, list[T]] = {}
    for key, item in pairs:
        groups.setdefault(key, []).append(item)
    return {key: groups[key] for key in order(groups)}


def _ranked(scenes: Sequence[Scene], iou: float) -> tuple[np.ndarray, np.ndarray]:
    """All that was found, best score first → scores, and whether each is the first to hit a plate not yet found."""
    pairs = [pair for scene in scenes for pair in _hits(scene, iou)]
    pairs.sort(key=lambda pair: -pair[0])
    return np.array([score for score, _ in pairs]), np.array([hit for _, hit in pairs], bool)


def _hits(scene: Scene, iou: float) -> Iterable[tuple[float, bool]]:
    """Each found box, best first, takes the plate that it overlaps most among those still free."""
    free = np.ones(len(scene.truths), bool)
    for i in np.argsort(-scene.scores, kind="stable"):
        overlaps = np.where(free, ious(scene.found[i], scene.truths), -1.0)
        best = int(overlaps.argmax()) if len(overlaps) else -1
        hit = best >= 0 and float(overlaps[best]) >= iou
        if hit:
            free[best] = False
        yield float(scene.scores[i]), hit
