"""The rows that kernels read and write, as numpy dtypes: byte for byte the structs of the .cu files."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from alpr.imaging import Letterbox, Rectification

Rows = NDArray[np.void]


class Format(IntEnum):
    """How a picture's bytes are laid out."""

    BGR = 0
    BGRX = 1
    NV12 = 2


PICTURE = np.dtype([("bytes", "<u8"), ("height", "<i4"), ("width", "<i4"), ("pitch", "<i4"), ("format", "<i4")], align=True)
FITTED = np.dtype([("picture", PICTURE), ("top", "<i4"), ("left", "<i4"), ("height", "<i4"), ("width", "<i4")], align=True)
PLATE = np.dtype([("picture", PICTURE), ("warp", "<f4", 9), ("height", "<i4"), ("width", "<i4")], align=True)
CANDIDATE = np.dtype([("score", "<f4"), ("box", "<f4", 4), ("quad", "<f4", 8)])


def picture(address: int, size_px: tuple[int, int], fmt: Format = Format.BGR, pitch: int | None = None) -> Rows:
    """A picture (h, w) at a device address, as a PICTURE. `pitch`: bytes a row, where rows do not follow at once."""
    height, width = size_px
    if fmt is Format.NV12 and (height % 2 or width % 2):
        raise ValueError(f"NV12 picture is {width}x{height}, expected even sides: two pixels share a colour")
    least = width * {Format.BGR: 3, Format.BGRX: 4, Format.NV12: 1}[fmt]
    return np.array((address, height, width, pitch or least, fmt), PICTURE)


def fitted(source: Rows, fit: Letterbox) -> Rows:
    """A PICTURE and how `alpr.imaging.letterbox` fits it, as a FITTED."""
    height, width = fit.drawn_px((int(source["height"]), int(source["width"])))
    left, top = (int(offset) for offset in fit.offset)
    return np.array((source, top, left, height, width), FITTED)


def plate(source: Rows, cut: Rectification | None = None) -> Rows:
    """A PICTURE and the plate to cut out of it, as a PLATE; without a cut, all of the picture."""
    if cut is None:
        return np.array((source, np.eye(3, dtype=np.float32).ravel(), source["height"], source["width"]), PLATE)
    # from the plate to the picture, inverted after the fact as warpPerspective does it: float32 then rounds the same way
    warp = np.linalg.inv(cut.warp).astype(np.float32)
    return np.array((source, warp.ravel(), *cut.size_px), PLATE)
