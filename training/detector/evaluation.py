"""How well a detector finds plates: the device's own letterbox and decoding around a torch or an ONNX model, and AP50."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from alpr.decode import detections, ious
from alpr.imaging import canvas_size, letterbox, quad_size, tensor
from alpr.types import F32, U8, Detections
from training.detector.composition import Sample
from training.detector.network import Deployed, Detector

LONGEST_PX, MULTIPLE_PX = 640, 32
IGNORED_PX = 8.0
"""Plates narrower than this on the canvas neither count when missed nor when found."""

Model = Callable[[F32], tuple[F32, F32, F32]]
"""(1, 3, h, w) float32 RGB in 0..1 → scores (1, p), boxes (1, p, 4), quads (1, p, 8)."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Average precision at an overlap of one half, and the best balance of precision and recall with its threshold."""

    ap50: float
    precision: float
    recall: float
    threshold: float
    plates: int
    pictures: int


def torch_model(detector: Detector) -> Model:
    """A detector, left in evaluation mode, as a Model."""
    deployed = Deployed(detector).eval()

    def run(image: F32) -> tuple[F32, F32, F32]:
        with torch.inference_mode():
            scores, boxes, quads = deployed(torch.from_numpy(image))
        return scores.numpy(), boxes.numpy(), quads.numpy()

    return run


def onnx_model(path: Path, threads: int = 1) -> Model:
    """An exported detector as a Model, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda image: tuple(session.run(["scores", "boxes", "quads"], {"image": image}))  # type: ignore[return-value]


def find(model: Model, bgr: U8, threshold: float, longest_px: int = LONGEST_PX) -> Detections:
    """The plates that a model finds in one picture, exactly as the device does it."""
    size = canvas_size(*bgr.shape[:2], longest_px, MULTIPLE_PX)
    canvas, fit = letterbox(bgr, size)
    scores, boxes, quads = model(tensor([canvas], size))
    return detections(scores[0], boxes[0], quads[0], fit, bgr.shape[:2], threshold)


def evaluate(model: Model, pictures: Iterable[tuple[U8, F32]], longest_px: int = LONGEST_PX) -> Accuracy:
    """AP50 of a model on pictures with their true boxes (k, 4)."""
    found: list[Detections] = []
    truths: list[F32] = []
    ignored: list[np.ndarray] = []
    for bgr, boxes in pictures:
        found.append(find(model, bgr, 0.01, longest_px))
        truths.append(boxes)
        ignored.append((boxes[:, 2] - boxes[:, 0]) * longest_px / max(bgr.shape[:2]) < IGNORED_PX)
    return accuracy(found, truths, ignored)


def corner_errors(model: Model, samples: Iterable[Sample], longest_px: int = LONGEST_PX) -> F32:
    """The quads of rendered plates that were found → (k, 2): how far their corners are off, in heights of the plate, and their height
    over the true one."""
    errors = []
    for sample in samples:
        found = find(model, sample.bgr, 0.25, longest_px)
        for box, quad in zip(sample.boxes[sample.cornered & ~sample.ignored], sample.quads[sample.cornered & ~sample.ignored], strict=True):
            overlap = ious(box, found.boxes) if len(found) else np.zeros(1)
            if overlap.max() >= 0.5:
                quad_found, height = found.quads[overlap.argmax()], max(quad_size(quad)[0], 1)
                errors.append((np.linalg.norm(quad_found - quad, axis=1).mean() / height, quad_size(quad_found)[0] / height))
    return np.array(errors, np.float32).reshape(-1, 2)


def accuracy(found: Sequence[Detections], truths: Sequence[F32], ignored: Sequence[np.ndarray]) -> Accuracy:
    """Detections of each picture against its true boxes (k, 4), of which the ignored (k,) do not count."""
    matches = [match(have, boxes, skip) for have, boxes, skip in zip(found, truths, ignored, strict=True)]
    hits = np.concatenate([hit for hit, _ in matches] or [np.zeros(0)])
    scores = np.concatenate([score for _, score in matches] or [np.zeros(0)])
    plates = int(sum((~skip).sum() for skip in ignored))
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(hits[order])
    precision, recall = right / np.arange(1, len(right) + 1), right / max(plates, 1)
    if not len(right):
        return Accuracy(0.0, 0.0, 0.0, 1.0, plates, len(found))
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    balance = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    best = int(balance.argmax())
    ap50 = float(np.sum(np.diff(recall, prepend=0) * envelope))
    return Accuracy(ap50, float(precision[best]), float(recall[best]), float(scores[order][best]), plates, len(found))


def match(found: Detections, boxes: F32, ignored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which detections of one picture hit a plate that no better one has hit, and their scores; those on ignored plates are left out."""
    free = np.ones(len(boxes), bool)
    hits, scores = [], []
    for box, score in zip(found.boxes, found.scores, strict=True):
        overlap = ious(box, boxes) if len(boxes) else np.zeros(0)
        open_overlap = np.where(free & ~ignored, overlap, 0)
        hit = bool(len(boxes)) and open_overlap.max() >= 0.5
        if hit:
            free[open_overlap.argmax()] = False
        elif (overlap[ignored] > 0.1).any():
            continue
        hits.append(float(hit))
        scores.append(float(score))
    return np.array(hits), np.array(scores)
