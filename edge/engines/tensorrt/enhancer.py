"""LPSR on the device: plates cut out of the frames there, and left there for the reader."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from alpr.imaging import ONE_LINE_PX, TWO_LINE_PX, enhancer_canvas
from alpr.types import U8, PlateCrop
from edge.cuda.layout import picture
from edge.engines.tensorrt.batch import PlateBatch, chunks
from edge.engines.tensorrt.engine import TensorRtEngine
from edge.engines.tensorrt.frames import Frames
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.held import Place, Ring
from edge.engines.tensorrt.recipe import Shape
from edge.engines.tensorrt.session import Session
from edge.engines.tensorrt.sources import sources
from edge.enhancer import Enhancer

KEPT = 64
"""Enhanced plates that stay for the reader; each is as large as a canvas, and both canvases have as many pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldCrop(PlateCrop):
    """An enhanced plate of which the device still has a copy."""

    token: int = -1


@dataclass(slots=True, eq=False)
class DrawnPlace(Place):
    address: int = 0


class DeviceEnhancer(Enhancer):
    """`Enhancer` with its batches on the device."""

    def __init__(self, gpu: Gpu, session: Session, frames: Frames | None = None, kept: int = KEPT) -> None:
        """`frames`: where plates may be cut out; without them every crop is brought up by itself."""
        super().__init__(TensorRtEngine(gpu, session))
        self._gpu, self._session, self._frames = gpu, session, frames
        self._batch = PlateBatch(gpu, session)
        self._drawn = gpu.pinned(max(3 * shape[0] * shape[2] * shape[3] for shape in session.shapes))
        room = max(3 * shape[2] * shape[3] for shape in session.shapes)
        self.drawn = Ring(DrawnPlace(address=gpu.device_memory(room)) for _ in range(kept))
        self._tokens = itertools.count()
        self._replays = {shape: session.replay(shape, partial(self._work, shape)) for shape in session.shapes}

    def __call__(self, crops: Sequence[PlateCrop]) -> list[PlateCrop]:
        """One batch a canvas; the order of the crops is kept."""
        enhanced: dict[int, PlateCrop] = {}
        canvases = [enhancer_canvas(crop.bgr) for crop in crops]
        with self._gpu.current("enhancing plates"):
            for size in (ONE_LINE_PX, TWO_LINE_PX):
                rows = [i for i, canvas in enumerate(canvases) if canvas == size]
                enhanced |= zip(rows, self._enhanced([crops[i] for i in rows], size), strict=True)
        return [enhanced[i] for i in range(len(crops))]

    def close(self) -> None:
        self._session.close()

    def _enhanced(self, crops: Sequence[PlateCrop], size_px: tuple[int, int]) -> list[PlateCrop]:
        if not crops:
            return []
        most = self._session.shape_for(len(crops), size_px)[0]
        return [crop for chunk in chunks(len(crops), most) for crop in self._run(crops[chunk.start : chunk.stop], size_px)]

    def _run(self, crops: Sequence[PlateCrop], size_px: tuple[int, int]) -> list[PlateCrop]:
        shape = self._session.shape_for(len(crops), size_px)
        with sources(crops, self._frames, None) as found:
            self._batch.fill(shape, found)
            self._replays[shape]()
            tokens = [self._keep(i, size_px) for i in range(len(crops))]
            self._session.stream.synchronize()
        drawn = self._drawn.host[: 3 * len(crops) * size_px[0] * size_px[1]].reshape(len(crops), *size_px, 3)
        return [held(crop, np.array(bgr), token) for crop, bgr, token in zip(crops, drawn, tokens, strict=True)]

    def _work(self, shape: Shape) -> None:
        count, _, height, width = shape
        stream, drawn = self._session.stream, self._session.address(shape, "enhanced")
        self._batch.enqueue(shape)
        self._session.enqueue(shape)
        self._gpu.launch("pictures", stream, (width, height, count), drawn, self._drawn.address, height, width)
        self._drawn.download(stream, 3 * count * height * width)

    def _keep(self, i: int, size_px: tuple[int, int]) -> int:
        """Leave a copy of the batch's plate i on the device → its token, -1 where there is no place."""
        place = self.drawn.claim()
        if not isinstance(place, DrawnPlace):
            return -1
        nbytes = 3 * size_px[0] * size_px[1]
        self._gpu.cuda.memcpy_dtod_async(place.address, self._drawn.address + i * nbytes, nbytes, self._session.stream)
        token = next(self._tokens)
        self.drawn.keep(place, token, picture(place.address, size_px))
        return token


def held(crop: PlateCrop, bgr: U8, token: int) -> HeldCrop:
    return HeldCrop(bgr, crop.quad, crop.height_px, crop.frame, crop.captured_ns, enhanced=True, token=token)
