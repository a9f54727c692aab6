"""Find plates on the device: an upload a frame, one launch and one small copy back for the frames of several cameras."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from alpr import decode
from alpr.imaging import Letterbox, fit_of
from alpr.types import U8, Detections, Frame
from edge.cuda.layout import CANDIDATE, FITTED, fitted
from edge.detector import Detector
from edge.engines.tensorrt.batch import chunks
from edge.engines.tensorrt.engine import TensorRtEngine
from edge.engines.tensorrt.frames import Frames
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.recipe import Shape
from edge.engines.tensorrt.session import Session

MOST = 512
"""Candidates that leave the device; alpr.decode looks at no more of them."""
FOUND_BYTES = 16
"""The count in front of the candidates, and room to their alignment."""
RESULT_BYTES = FOUND_BYTES + MOST * CANDIDATE.itemsize
"""Of one picture."""


class DeviceDetector(Detector):
    """`Detector` with its pictures, its canvases and its points on the device; the frames of several cameras in one run."""

    def __init__(self, gpu: Gpu, session: Session, threshold: float, longest_px: int | None = None) -> None:
        super().__init__(TensorRtEngine(gpu, session), threshold, longest_px)
        self.gpu, self._session = gpu, session
        self.most = max(shape[0] for shape in session.shapes)
        self.frames = Frames(gpu, session.stream, self.most)
        self._fits = gpu.pinned(self.most * FITTED.itemsize)
        self._result = gpu.pinned(self.most * RESULT_BYTES)
        self._replays = {shape: session.replay(shape, partial(self._work, shape)) for shape in session.shapes}

    def hold(self, frames: Sequence[Frame]) -> None:
        """Bring frames up, at most `most`, so that plates can be cut out of them later, and detected in them now."""
        with self.gpu.current("bringing frames to the GPU"):
            for frame in frames:
                self.frames.put(frame.bgr, (frame.captured_ns, frame.number))

    def __call__(self, bgr: U8) -> Detections:
        return self.all([bgr])[0]

    def all(self, pictures: Sequence[U8]) -> list[Detections]:
        """One run a canvas for all that fit it; the order of the pictures is kept."""
        by_canvas: dict[tuple[int, int], list[int]] = {}
        for i, bgr in enumerate(pictures):
            by_canvas.setdefault(self.canvas(*bgr.shape[:2]), []).append(i)
        found: dict[int, Detections] = {}
        with self.gpu.current("finding plates"):
            for size, rows in by_canvas.items():
                most = self._session.shape_for(len(rows), size)[0]
                for part in chunks(len(rows), most):
                    these = rows[part.start : part.stop]
                    found |= zip(these, self._run([pictures[i] for i in these], size), strict=True)
        return [found[i] for i in range(len(pictures))]

    def close(self) -> None:
        self._session.close()

    def _run(self, pictures: Sequence[U8], size: tuple[int, int]) -> list[Detections]:
        shape = self._session.shape_for(len(pictures), size)
        fits, table = [fit_of(bgr.shape[:2], size) for bgr in pictures], self._fits.host.view(FITTED)
        for i, (bgr, fit) in enumerate(zip(pictures, fits, strict=True)):
            source = self.frames.latest(bgr)
            table[i] = fitted(self.frames.put(bgr) if source is None else source, fit)
        table[len(pictures) : shape[0]] = table[0]  # what fills the batch up is a picture that is there
        self._replays[shape]()
        self._session.stream.synchronize()
        return [self._detections(i, bgr, fit) for i, (bgr, fit) in enumerate(zip(pictures, fits, strict=True))]

    def _detections(self, i: int, bgr: U8, fit: Letterbox) -> Detections:
        block = self._result.host[i * RESULT_BYTES : (i + 1) * RESULT_BYTES]
        found = int(block[:4].view(np.int32)[0])
        rows = block[FOUND_BYTES:].view(CANDIDATE)[: min(found, MOST)]
        scores, boxes, quads = (np.array(rows[name]) for name in ("score", "box", "quad"))
        return decode.detections(scores, boxes, quads, fit, bgr.shape[:2], self._threshold)

    def _work(self, shape: Shape) -> None:
        session, stream = self._session, self._session.stream
        count, _, height, width = shape
        self._fits.upload(stream, count * FITTED.itemsize)
        self.gpu.launch("letterbox", stream, (width, height, count), self._fits.address, session.input, height, width)
        session.enqueue(shape)
        for i in range(count):
            self._pick(shape, i)
        self._result.download(stream, count * RESULT_BYTES)

    def _pick(self, shape: Shape, i: int) -> None:
        """The candidates of the batch's picture i, as rows behind their count."""
        session, stream, result = self._session, self._session.stream, self._result.address + i * RESULT_BYTES
        points = session.output_shape(shape, "scores")[1]
        outputs = [session.address(shape, name) + 4 * i * points * values for name, values in (("scores", 1), ("boxes", 4), ("quads", 8))]
        self.gpu.cuda.memset_d32_async(result, 0, 1, stream)
        self.gpu.launch("candidates", stream, (points, 1, 1), *outputs, points, self._threshold, MOST, result + FOUND_BYTES, result)
