"""Plates into a model's input: cut out of what is on the device already, or brought there."""

from __future__ import annotations

from collections.abc import Sequence

from alpr.imaging import resize
from alpr.types import U8
from edge.cuda.layout import PLATE, Rows, picture, plate
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.recipe import Shape
from edge.engines.tensorrt.session import Session
from edge.engines.tensorrt.sources import Source


class PlateBatch:
    """The rows of one session's batches, and room for the pictures that the device does not have."""

    def __init__(self, gpu: Gpu, session: Session) -> None:
        self._gpu, self._session = gpu, session
        most = max(shape[0] for shape in session.shapes)
        self._rows = gpu.pinned(most * PLATE.itemsize)
        self._table = self._rows.host.view(PLATE)
        self._room = max(3 * shape[2] * shape[3] for shape in session.shapes)
        self._brought = gpu.pinned(most * self._room)

    def fill(self, shape: Shape, sources: Sequence[Source]) -> None:
        """What the next batch is cut from; rows beyond them stay empty."""
        self._table[:] = 0
        brought = 0
        for i, source in enumerate(sources):
            if source.plate is not None:
                self._table[i] = source.plate
            else:
                self._table[i] = self._bring(i, source.bgr, (shape[2], shape[3]))
                brought = (i + 1) * self._room
        if brought:
            self._brought.upload(self._session.stream, brought)

    def enqueue(self, shape: Shape) -> None:
        """Rows up, plates into the session's input; asynchronous, the same calls each time."""
        count, _, height, width = shape
        self._rows.upload(self._session.stream, count * PLATE.itemsize)
        arguments = self._rows.address, self._session.input, height, width
        self._gpu.launch("plates", self._session.stream, (width, height, count), *arguments)

    def _bring(self, i: int, bgr: U8, size_px: tuple[int, int]) -> Rows:
        """A picture that is not on the device: resized here, so that it needs no more room than the batch has."""
        resized = resize(bgr, size_px)
        at = i * self._room
        self._brought.host[at : at + resized.nbytes].reshape(resized.shape)[:] = resized
        return plate(picture(self._brought.address + at, size_px))


def chunks(count: int, most: int) -> list[range]:
    """Batches of at most `most`."""
    return [range(start, min(start + most, count)) for start in range(0, count, most)]
