"""A picture of what LPSR did: wins, plates turned wrong (hallucinations), plates that stay unread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from alpr.types import U8, PlateCrop
from tools.evaluate.frozen import Poor

KINDS = (("turned right", False, True), ("turned wrong", True, False), ("still unread", False, False))
ROWS = 8
CELL = (70, 420)
GROUND = 40


def draw(path: Path, plates: Sequence[Poor], enhanced: Sequence[PlateCrop], before: Sequence[str], after: Sequence[str]) -> None:
    """Three columns, one a kind; each plate as it is and enhanced, with what is read, green where it is right."""
    columns = []
    for title, was, now in KINDS:
        kind = [i for i, p in enumerate(plates) if (before[i] == p.text, after[i] == p.text) == (was, now)]
        cells = [_cell(plates[i], enhanced[i], before[i], after[i]) for i in kind[:ROWS]]
        blank = np.full((*CELL, 3), GROUND, np.uint8)
        columns.append(np.vstack([_title(f"{title}: {len(kind)} of {len(plates)}"), *(cells + [blank] * ROWS)[:ROWS]]))
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), np.hstack(columns)):
        raise OSError(f"{path}: cannot be written; is there room, and may this user write there?")


def _title(text: str) -> U8:
    strip = np.full((28, CELL[1], 3), GROUND, np.uint8)
    return cv2.putText(strip, text, (4, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (230, 230, 230), 1, cv2.LINE_AA)  # type: ignore[return-value]


def _cell(plate: Poor, better: PlateCrop, before: str, after: str) -> U8:
    cell = np.full((*CELL, 3), GROUND, np.uint8)
    for x, bgr, text in ((4, plate.crop.bgr, before), (214, better.bgr, after)):
        scale = min(200 / bgr.shape[1], 46 / bgr.shape[0])
        small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        cell[2 : 2 + small.shape[0], x : x + small.shape[1]] = small
        colour = (120, 220, 120) if text == plate.text else (110, 110, 240)
        cv2.putText(cell, text or "-", (x, 64), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
    return cell
