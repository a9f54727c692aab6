"""Where a crop's pixels are on the device, if they are there."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from alpr.imaging import rectification
from alpr.types import U8, PlateCrop
from edge.cuda.layout import Rows, plate
from edge.engines.tensorrt.frames import Frames
from edge.engines.tensorrt.held import Ring


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A crop's pixels: on the host in any case."""

    bgr: U8
    plate: Rows | None = None  # a PLATE, where the device has them too


@contextmanager
def sources(crops: Sequence[PlateCrop], frames: Frames | None, drawn: Ring | None) -> Iterator[list[Source]]:
    """The crops' pixels; within the context nothing of them is overwritten on the device."""
    with ExitStack() as stack:
        framed = stack.enter_context(frames.lease(frame_key(crop) for crop in crops)) if frames else {}
        kept = stack.enter_context(drawn.lease(token(crop) for crop in crops)) if drawn else {}
        yield [_source(crop, framed, kept) for crop in crops]


def frame_key(crop: PlateCrop) -> Hashable:
    """What the frame was kept under; nothing is cut out of a frame for an enhanced plate."""
    return None if crop.enhanced else (crop.captured_ns, crop.frame)


def token(crop: PlateCrop) -> Hashable:
    found = getattr(crop, "token", -1)
    return None if found < 0 else found


def _source(crop: PlateCrop, framed: dict[Hashable, Rows], kept: dict[Hashable, Rows]) -> Source:
    if (enhanced := kept.get(token(crop))) is not None:
        return Source(crop.bgr, plate(enhanced))
    if (frame := framed.get(frame_key(crop))) is not None:
        return Source(crop.bgr, plate(frame, rectification(crop.quad, (int(frame["height"]), int(frame["width"])))))
    return Source(crop.bgr)
