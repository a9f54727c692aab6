"""Engines of every precision against onnxruntime, on frames of the clip and on the plates in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alpr.contract import Contract
from alpr.imaging import ONE_LINE_PX, canvas_size, letterbox, rectify, tensor
from alpr.types import F32, U8
from edge.detector import Detector
from edge.engines import Engine
from edge.engines.onnx import OnnxEngine

FP32_MOST = 0.02
"""How far fp32 may be from onnxruntime, in probability: layers are fused and summed in another order."""
AGREEING_LEAST = 0.995
"""The share of decisions (points over the threshold, characters) that every precision has to make as fp32 does."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What each model is compared on."""

    detector: F32
    enhancer: F32
    reader: F32

    @staticmethod
    def of(frames: Sequence[U8], detector: Contract, reader: Contract, threshold: float) -> Inputs:
        """Raises ValueError where the frames show no plate."""
        size = canvas_size(*frames[0].shape[:2], max(detector.input.size_px), detector.input.multiple_px)
        canvases = tensor([letterbox(bgr, size)[0] for bgr in frames], size)
        finds = Detector(OnnxEngine(detector, precision="fp32"), max(threshold, 0.5))
        crops = [rectify(bgr, quad) for bgr in frames for quad in finds(bgr).quads]
        if not crops:
            raise ValueError("no plate is found in these frames: take others")
        return Inputs(canvases, tensor(crops, ONE_LINE_PX), tensor(crops, reader.input.size_px))


def compared(contract: Contract, engine: Engine, inputs: F32) -> tuple[float, float]:
    """The largest difference from onnxruntime in the output that decides, and the share of decisions that agree."""
    reference = OnnxEngine(contract, precision="fp32")
    pairs = [(engine(row[None]), reference(row[None])) for row in inputs]
    name = contract.outputs[0]  # scores, enhanced, probabilities
    found, wanted = (np.concatenate([np.asarray(out[name]) for out in side]) for side in zip(*pairs, strict=True))
    apart = float(np.abs(found - wanted).max())
    if contract.kind == "ocr":
        agree = (found.argmax(axis=-1) == wanted.argmax(axis=-1)).mean()
    elif contract.kind == "detection":
        agree = 1 - ((found >= 0.5) != (wanted >= 0.5)).sum() / max(1, (wanted >= 0.5).sum())
    else:
        agree = (np.abs(found - wanted) <= 0.1).mean()
    return apart, float(agree)
