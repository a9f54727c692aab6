"""Read plates on the device: cut out of the frame, or taken from LPSR, where they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from alpr import decode
from alpr.types import PlateCrop, Read
from edge.engines.tensorrt.batch import PlateBatch, chunks
from edge.engines.tensorrt.engine import TensorRtEngine
from edge.engines.tensorrt.frames import Frames
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.held import Ring
from edge.engines.tensorrt.recipe import Shape
from edge.engines.tensorrt.session import Session
from edge.engines.tensorrt.sources import sources
from edge.reader import Reader


class DeviceReader(Reader):
    """`Reader` with its batches on the device."""

    def __init__(self, gpu: Gpu, session: Session, frames: Frames | None = None, drawn: Ring | None = None) -> None:
        """`frames` and `drawn`: where crops and enhanced plates may already be; others are brought up."""
        super().__init__(TensorRtEngine(gpu, session))
        self._gpu, self._session, self._frames, self._drawn = gpu, session, frames, drawn
        self._batch = PlateBatch(gpu, session)
        self._replays = {shape: session.replay(shape, partial(self._work, shape)) for shape in session.shapes}

    def __call__(self, crops: Sequence[PlateCrop]) -> list[Read]:
        if not crops:
            return []
        most = self._session.shape_for(len(crops), self._session.contract.input.size_px)[0]
        with self._gpu.current("reading plates"):
            return [read for chunk in chunks(len(crops), most) for read in self._run(crops[chunk.start : chunk.stop])]

    def close(self) -> None:
        self._session.close()

    def _run(self, crops: Sequence[PlateCrop]) -> list[Read]:
        shape = self._session.shape_for(len(crops), self._session.contract.input.size_px)
        with sources(crops, self._frames, self._drawn) as found:
            self._batch.fill(shape, found)
            self._replays[shape]()
            self._session.stream.synchronize()
        out = self._session.read(shape)
        # the next batch overwrites the block: a read keeps a lattice of its own
        rows = zip(np.array(out["probabilities"][: len(crops)]), out["two_lines"], crops, strict=False)
        return [decode.read(lattice, float(two_lines), crop.enhanced) for lattice, two_lines, crop in rows]

    def _work(self, shape: Shape) -> None:
        self._batch.enqueue(shape)
        self._session.enqueue(shape)
        if self._session.results is not None:
            self._session.results.download(self._session.stream, self._session.nbytes(shape))
