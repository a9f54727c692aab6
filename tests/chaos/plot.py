"""Curves over time, one under another, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT, LEFT, GAP = 1000, 110, 150, 18
INK, LINE, MARK = (60, 60, 60), (170, 90, 20), (215, 225, 245)  # BGR


def plot(file: Path, minutes: Sequence[float], curves: Mapping[str, Sequence[float]], marks_min: Sequence[float], title: str) -> None:
    """Each curve in a panel of its own, with its least and greatest value beside it; a stripe for each mark."""
    picture = np.full((40 + len(curves) * (HEIGHT + GAP) + 20, LEFT + WIDTH + 20, 3), 255, np.uint8)
    _write(picture, title, 10, 22)
    last = max(minutes[-1], 1e-9)
    for number, (name, values) in enumerate(curves.items()):
        top = 40 + number * (HEIGHT + GAP)
        panel = picture[top : top + HEIGHT, LEFT : LEFT + WIDTH]
        for mark in marks_min:
            cv2.line(panel, (int(mark / last * WIDTH), 0), (int(mark / last * WIDTH), HEIGHT), MARK, 1)
        _draw(panel, minutes, values)
        for text, line in ((name, 20), (f"max {max(values):g}", 50), (f"min {min(values):g}", 70), (f"last {values[-1]:g}", 90)):
            _write(picture, text, 8, top + line)
    _write(picture, f"0 to {last:.0f} minutes; a stripe is a fault", LEFT, picture.shape[0] - 10)
    cv2.imwrite(str(file), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _draw(panel: np.ndarray, minutes: Sequence[float], values: Sequence[float]) -> None:
    low, high = min(values), max(values)
    x = np.asarray(minutes) / max(minutes[-1], 1e-9) * (WIDTH - 1)
    y = (HEIGHT - 4) - (np.asarray(values) - low) / max(high - low, 1e-9) * (HEIGHT - 8)
    cv2.polylines(panel, [np.stack([x, y], 1).round().astype(np.int32)], False, LINE, 1, cv2.LINE_AA)
    cv2.rectangle(panel, (0, 0), (WIDTH - 1, HEIGHT - 1), INK, 1)


def _write(picture: np.ndarray, text: str, x: int, y: int) -> None:
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
