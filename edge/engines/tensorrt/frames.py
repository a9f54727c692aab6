"""The cameras' frames on the device: each goes up once, as bytes, for the detector and for the plates that are cut out of it later."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from alpr.types import U8
from edge.cuda.layout import Rows, picture
from edge.engines import EngineError
from edge.engines.tensorrt.gpu import Gpu, Pinned
from edge.engines.tensorrt.held import Place, Ring

KEPT = 8
"""Frames that stay beside those that came last: the queues between the stages hold a few, and a crop whose frame is gone goes up by
itself."""


@dataclass(slots=True, eq=False)
class FramePlace(Place):
    memory: Pinned | None = None


class Frames:
    """Written by the detector's thread alone, on the detector's stream; read by the others after the detector answered."""

    def __init__(self, gpu: Gpu, stream: Any, together: int = 1) -> None:
        """`together`: how many frames are brought up before the first of them is looked at."""
        self._gpu, self._stream = gpu, stream
        self._ring = Ring(FramePlace() for _ in range(KEPT + together))
        self._latest: deque[tuple[U8, Rows]] = deque(maxlen=together)

    def put(self, bgr: U8, key: Hashable = None) -> Rows:
        """Bring a frame up; asynchronous → its PICTURE. Under its key it is found until newer ones need its place."""
        place = self._ring.claim()
        if not isinstance(place, FramePlace):
            raise EngineError("no room for a frame on the GPU: all places are being read, a stage must be stuck")
        if place.memory is None or place.memory.host.nbytes < bgr.nbytes:
            place.memory = self._gpu.pinned(bgr.nbytes)
        place.memory.host[: bgr.nbytes].reshape(bgr.shape)[:] = bgr
        place.memory.upload(self._stream, bgr.nbytes)
        found = picture(place.memory.address, (bgr.shape[0], bgr.shape[1]))
        self._ring.keep(place, key, found)
        self._latest.append((bgr, found))
        return found

    def latest(self, bgr: U8) -> Rows | None:
        """The PICTURE of a frame, if it is among those that came last."""
        return next((found for known, found in self._latest if known is bgr), None)

    def lease(self, keys: Iterable[Hashable]) -> AbstractContextManager[dict[Hashable, Rows]]:
        return self._ring.lease(keys)
