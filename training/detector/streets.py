"""Rendered streets for the mix: drawing one takes as long as composing fifty samples, so a bank of them fills up and is drawn from."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from alpr.types import F32, U8
from training.synth import glyphs, street

SIZES_PX = ((640, 400), (640, 480), (480, 480), (720, 405))
FRESH = 0.5
"""While the bank fills, so often a new one is drawn; else one of the bank is shown again, in other light and at another scale."""


def streets(seed: int, bank: int) -> Iterator[tuple[U8, F32, F32]]:
    """Pictures with boxes (n, 4) and quads (n, 4, 2) for ever, out of at most `bank` rendered ones."""
    rng = np.random.default_rng(seed)
    faces = glyphs.faces(rng)
    makers = [street.scenes(rng, faces, size) for size in SIZES_PX]
    kept: list[tuple[U8, F32, F32]] = []
    while True:
        if not kept or (len(kept) < bank and rng.random() < FRESH):
            bgr, boxes, quads = next(makers[int(rng.integers(len(makers)))])
            kept.append((np.asarray(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 93])[1]), boxes, quads))
        encoded, boxes, quads = kept[int(rng.integers(len(kept)))]
        yield cv2.imdecode(encoded, cv2.IMREAD_COLOR), boxes.copy(), quads.copy()  # type: ignore[misc]
