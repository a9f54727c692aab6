"""Pictures → the tensors that a model takes, through `alpr.imaging` alone and each as the device makes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from alpr.contract import InputSpec
from alpr.imaging import Letterbox, detector_canvas, enhancer_canvas, letterbox, tensor
from alpr.types import F32, U8

MOST = 16
"""Crops of one batch."""


def batches(kind: str, spec: InputSpec, pictures: Sequence[U8], most: int = MOST) -> Iterator[tuple[list[int], F32]]:
    """Tensors (n, 3, h, w) with which pictures are in them: scenes one by one, crops by canvas. `kind` as a contract says it."""
    if kind == "detection":
        yield from (([i], scene(spec, bgr)[0]) for i, bgr in enumerate(pictures))
        return
    by_canvas: dict[tuple[int, int], list[int]] = {}
    for i, bgr in enumerate(pictures):
        by_canvas.setdefault(spec.size_px if kind == "ocr" else enhancer_canvas(bgr), []).append(i)
    for size_px, rows in by_canvas.items():
        for part in _parts(rows, most):
            yield part, tensor([pictures[i] for i in part], size_px)


def scene(spec: InputSpec, bgr: U8) -> tuple[F32, Letterbox]:
    """One picture as the detector gets it: letterboxed to the contract's longest side, or to its own where it is smaller."""
    size_px = detector_canvas(*bgr.shape[:2], max(spec.size_px), spec.multiple_px)
    canvas, fit = letterbox(bgr, size_px)
    return tensor([canvas], size_px), fit


def _parts(rows: Sequence[int], most: int) -> Iterable[list[int]]:
    return (list(rows[i : i + most]) for i in range(0, len(rows), most))
