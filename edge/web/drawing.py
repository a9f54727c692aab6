"""A frame as the page shows it: smaller, its plates outlined and named, or covered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import cv2
import numpy as np

from alpr.imaging import resize
from alpr.types import F32, U8, Track

SURE: Final = (90, 205, 60)
UNSURE: Final = (40, 175, 255)
"""BGR of the outline of a plate that was read with FIRM or more, and of any other."""
FIRM: Final = 0.9
COVER: Final = (110, 110, 110)
GROWN: Final = 0.25
"""Of its height, by which a cover exceeds a plate's box on every side."""
FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
TEXT: Final = 0.5


def annotated(bgr: U8, longest_px: int, tracks: Sequence[Track], labels: Mapping[int, tuple[str, float]], covers: Iterable[F32] = ()) -> U8:
    """A frame shrunk to `longest_px` with what is known of its plates; the frame itself stays as it is.

    `labels` are texts and scores by track, `covers` boxes (n, 4) in pixels of the frame that show nothing.
    """
    height, width = bgr.shape[:2]
    scale = min(1.0, longest_px / max(height, width))
    picture = resize(bgr, (max(1, round(height * scale)), max(1, round(width * scale))))
    picture = picture.copy() if picture is bgr else picture
    for box in (box for boxes in covers for box in boxes):
        grown = GROWN * float(box[3] - box[1])
        (x1, y1), (x2, y2) = np.floor((box[:2] - grown) * scale).astype(int), np.ceil((box[2:] + grown) * scale).astype(int)
        cv2.rectangle(picture, (int(x1), int(y1)), (int(x2), int(y2)), COVER, cv2.FILLED)
    for track in tracks:
        _outline(picture, track.quad * np.float32(scale), labels.get(track.id))
    return picture


def _outline(picture: U8, quad: F32, label: tuple[str, float] | None) -> None:
    colour = SURE if label and label[1] >= FIRM else UNSURE
    low, high = quad.min(axis=0), quad.max(axis=0)
    (x1, y1), (x2, y2) = np.round(low).astype(int).tolist(), np.round(high).astype(int).tolist()
    cv2.rectangle(picture, (x1, y1), (x2, y2), colour, 1)
    cv2.polylines(picture, [np.round(quad).astype(np.int32)], True, colour, 2, cv2.LINE_AA)
    if label:
        _write(picture, f"{label[0]} {label[1]:.0%}", (int(low[0]), int(low[1]) - 6), colour)


def _write(picture: U8, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    """A line of text on dark ground, within the picture, its lower left corner at a point where there is room."""
    (width, height), below = cv2.getTextSize(text, FONT, TEXT, 1)
    x = int(np.clip(at[0], 0, max(0, picture.shape[1] - width)))
    y = int(np.clip(at[1], height, max(height, picture.shape[0] - below)))
    cv2.rectangle(picture, (x - 2, y - height - 2), (x + width + 2, y + below), (20, 20, 20), cv2.FILLED)
    cv2.putText(picture, text, (x, y), FONT, TEXT, colour, 1, cv2.LINE_AA)
