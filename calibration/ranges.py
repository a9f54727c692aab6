"""How far the numbers of an activation reach, so that 127 steps cover what matters of them: max, percentile, entropy, MSE.

INT8 here is symmetric, zero point 0: a range is one positive number, the magnitude that 127 stands for. Zeros are not counted: they are
exact at any range, and after a ReLU they are most of what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx_graphsurgeon as gs
from numpy.typing import NDArray

from alpr.types import F32
from calibration.graph import model_of
from calibration.runtime import Session

BINS = 2048
LEVELS = 128
"""Magnitudes that INT8 tells apart, zero among them."""
PERCENTILE = 99.99
Batches = Callable[[], Iterable[F32]]
"""The calibration set as tensors, from the start at every call: it is gone through twice."""
Ends = tuple[float, float]
"""A tensor's least and largest number."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How often which magnitude occurs: counts (bins,) of equal width from 0 to `most`."""

    counts: NDArray[np.int64]
    most: float

    @property
    def centres(self) -> NDArray[np.float64]:
        return (np.arange(len(self.counts)) + 0.5) * (self.most / len(self.counts))


def observe(graph: gs.Graph, tensors: Iterable[str], batches: Batches) -> dict[str, Histogram]:
    """Run a set through a float graph and count the magnitudes of the named tensors. Raises ValueError for an empty set."""
    names = list(tensors)
    session = _watching(graph, names)
    most = [max(-low, high, 1e-6) for low, high in _ends(session, batches)]
    counts = np.zeros((len(names), BINS), np.int64)
    for batch in batches():
        for i, value in enumerate(session(batch).values()):
            counts[i] += _count(value, most[i])
    return {name: Histogram(count, far) for name, count, far in zip(names, counts, most, strict=True)}


def reached(graph: gs.Graph, tensors: Iterable[str], batches: Batches) -> dict[str, Ends]:
    """Run a set through a float graph, once → each named tensor's least and largest number. Raises ValueError for an empty set."""
    names = list(tensors)
    return dict(zip(names, _ends(_watching(graph, names), batches), strict=True))


def _watching(graph: gs.Graph, names: list[str]) -> Session:
    watched = graph.copy()
    watched.outputs = [watched.tensors()[name] for name in names]
    return Session(model_of(watched))


def _ends(session: Session, batches: Batches) -> list[Ends]:
    found = [[(value.min(), value.max()) for value in session(batch).values()] for batch in batches()]
    if not found:
        raise ValueError("the calibration set is empty: draw one with python -m calibration select")
    lows, highs = np.min(found, axis=0)[:, 0], np.max(found, axis=0)[:, 1]
    return [(float(low), float(high)) for low, high in zip(lows, highs, strict=True)]


def _count(value: F32, most: float) -> NDArray[np.int64]:
    magnitudes = np.abs(value[value != 0])
    index = np.minimum((magnitudes * np.float32(BINS / most)).astype(np.int64), BINS - 1)
    return np.bincount(index, minlength=BINS)


def reach(histograms: Mapping[str, Histogram], method: str) -> dict[str, float]:
    """Every tensor's range by one of METHODS."""
    return {name: METHODS[method](histogram) for name, histogram in histograms.items()}


def largest(histogram: Histogram) -> float:
    """Nothing is clipped."""
    return histogram.most


def percentile(histogram: Histogram, share: float = PERCENTILE) -> float:
    """So much of what is not zero is not clipped."""
    reached = np.cumsum(histogram.counts) >= share / 100 * histogram.counts.sum()
    return float((np.argmax(reached) + 1) * histogram.most / len(histogram.counts))


def mse(histogram: Histogram) -> float:
    """Rounding and clipping together cost the least squared error."""
    limits = histogram.most * np.arange(8, 129) / 128
    at = histogram.centres
    errors = [(histogram.counts * (at - np.minimum(np.rint(at / step), LEVELS - 1) * step) ** 2).sum() for step in limits / (LEVELS - 1)]
    return float(limits[int(np.argmin(errors))])


def entropy(histogram: Histogram) -> float:
    """What is left tells least apart from the whole, by Kullback-Leibler (Migacz, "8-bit inference with TensorRT", GTC 2017)."""
    cuts = range(LEVELS, len(histogram.counts) + 1, 8)
    best = min(cuts, key=lambda cut: _divergence(histogram.counts, cut))
    return float(best * histogram.most / len(histogram.counts))


def _divergence(counts: NDArray[np.int64], cut: int) -> float:
    """Of all, clipped at a bin, from the same at LEVELS levels; a level's share is spread evenly over its bins that had any."""
    kept = counts[:cut].astype(np.float64)
    whole = kept.copy()
    whole[-1] += counts[cut:].sum()
    level = np.arange(cut) * LEVELS // cut
    held = kept > 0
    share = np.bincount(level, kept, LEVELS) / np.maximum(np.bincount(level, held, LEVELS), 1)
    coarse = np.where(held, share[level], 0.0)
    if not coarse.any():
        return np.inf
    p, q = whole / whole.sum(), coarse / coarse.sum()
    seen = p > 0
    return float((p[seen] * np.log(p[seen] / np.maximum(q[seen], 1e-12))).sum())


METHODS: dict[str, Callable[[Histogram], float]] = {"max": largest, "percentile": percentile, "entropy": entropy, "mse": mse}
