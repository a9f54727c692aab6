"""Find the plates of a frame on the device: one upload, one launch, one small copy back."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from alpr import decode
from alpr.imaging import fit_of
from alpr.types import U8, Detections, Frame
from edge.cuda.layout import CANDIDATE, FITTED, fitted
from edge.detector import Detector
from edge.engines.tensorrt.engine import TensorRtEngine
from edge.engines.tensorrt.frames import Frames
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.recipe import Shape
from edge.engines.tensorrt.session import Session

MOST = 512
"""Candidates that leave the device; alpr.decode looks at no more of them."""
FOUND_BYTES = 16
"""The count in front of the candidates, and room to their alignment."""


class DeviceDetector(Detector):
    """`Detector` with its picture, its canvas and its points on the device."""

    def __init__(self, gpu: Gpu, session: Session, threshold: float, longest_px: int | None = None) -> None:
        super().__init__(TensorRtEngine(gpu, session), threshold, longest_px)
        self.gpu, self._session = gpu, session
        self.frames = Frames(gpu, session.stream)
        self._fit = gpu.pinned(FITTED.itemsize)
        self._result = gpu.pinned(FOUND_BYTES + MOST * CANDIDATE.itemsize)
        self._replays = {shape: session.replay(shape, partial(self._work, shape)) for shape in session.shapes}

    def hold(self, frame: Frame) -> None:
        """Bring a frame up so that plates can be cut out of it later, and detected in it now."""
        with self.gpu.current("bringing a frame to the GPU"):
            self.frames.put(frame.bgr, (frame.captured_ns, frame.number))

    def __call__(self, bgr: U8) -> Detections:
        height, width = bgr.shape[:2]
        size = self.canvas(height, width)
        fit = fit_of((height, width), size)
        shape = self._session.shape_for(1, size)
        with self.gpu.current("finding plates"):
            source = self.frames.latest(bgr)
            self._fit.host.view(FITTED)[0] = fitted(self.frames.put(bgr) if source is None else source, fit)
            self._replays[shape]()
            self._session.stream.synchronize()
        found = int(self._result.host[:4].view(np.int32)[0])
        rows = self._result.host[FOUND_BYTES:].view(CANDIDATE)[: min(found, MOST)]
        scores, boxes, quads = (np.array(rows[name]) for name in ("score", "box", "quad"))
        return decode.detections(scores, boxes, quads, fit, (height, width), self._threshold)

    def close(self) -> None:
        self._session.close()

    def _work(self, shape: Shape) -> None:
        session, stream = self._session, self._session.stream
        _, _, height, width = shape
        points = math.prod(session.output_shape(shape, "scores"))
        outputs = [session.address(shape, name) for name in ("scores", "boxes", "quads")]
        self._fit.upload(stream)
        self.gpu.launch("letterbox", stream, (width, height, 1), self._fit.address, session.input, height, width)
        session.enqueue(shape)
        self.gpu.cuda.memset_d32_async(self._result.address, 0, 1, stream)
        rows = self._result.address + FOUND_BYTES
        self.gpu.launch("candidates", stream, (points, 1, 1), *outputs, points, self._threshold, MOST, rows, self._result.address)
        self._result.download(stream)
