"""The whole loop over the clip: the events of the GPU against those of the processor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2

from alpr.types import Frame
from edge.loop import Loop
from edge.pipeline import in_one_thread


def frames(clip: Path, most: int | None = None) -> Iterator[Frame]:
    """A recording's frames with the times that they would have had. Raises ValueError where it cannot be decoded."""
    capture = cv2.VideoCapture(str(clip))
    step_ns = int(1e9 / (capture.get(cv2.CAP_PROP_FPS) or 25))
    number = 0
    while most is None or number < most:
        there, bgr = capture.read()
        if not there:
            break
        yield Frame(bgr, "clip", number, 1 + number * step_ns, 0.0, 1 + number * step_ns)  # type: ignore[arg-type]
        number += 1
    if not number:
        raise ValueError(f"{clip}: cannot be decoded")


def finals(loop: Loop, pictures: Iterable[Frame]) -> Counter[str]:
    """The plates of the final events."""
    return Counter(event.vote.plate for event in in_one_thread(pictures, loop.stages()) if event.type == "final")


def of_camera(frame: Frame, camera: int) -> Frame:
    """The same picture as another camera would give it: its times tell the two apart."""
    return replace(frame, camera=f"clip {camera}", captured_ns=frame.captured_ns + camera)
