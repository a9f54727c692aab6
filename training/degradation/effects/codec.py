"""Codecs: what is thrown away to make a picture small."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.types import F32, U8
from training.degradation.effects.pixels import bytes_of

INTRA_ROUNDING, INTER_ROUNDING = 1 / 3, 1 / 6
"""H.264's dead zones: what a coefficient's size must pass, short of its next step, to be kept."""


def jpeg(bgr: U8, quality: int) -> U8:
    """JPEG at a quality of 1..100."""
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    if not done:
        raise ValueError(f"cannot encode a picture of shape {bgr.shape} as JPEG")
    return cv2.imdecode(data, cv2.IMREAD_COLOR)  # type: ignore[return-value]


def blocking(bgr: U8, qp: int, block_px: int = 8, motion_px: tuple[float, float] = (0.0, 0.0), deblock: bool = True) -> U8:
    """A frame of a stream such as H.264's, at a quantiser of 0 (best) to 51: flat steps that double every 6, 4:2:0 colour.

    The frame before, `motion_px` away and coded alone, is shifted back by whole pixels to predict this one; only the difference is
    coded, with a wide dead zone. `deblock` is the loop filter, without which the blocks' edges stay. A model in the terms of ITU-T H.264
    and of List et al., "Adaptive deblocking filter", IEEE TCSVT 2003; no bit stream is made.
    """
    height, width = bgr.shape[:2]
    tall, wide = -height % (2 * block_px), -width % (2 * block_px)
    luma, *chroma = cv2.split(cv2.cvtColor(cv2.copyMakeBorder(bgr, 0, tall, 0, wide, cv2.BORDER_REPLICATE), cv2.COLOR_BGR2YCrCb))
    small = [cv2.resize(plane, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for plane in chroma]
    coded = [_plane(luma.astype(np.float32), qp, block_px, motion_px, deblock)]
    for plane in small:
        part = _plane(plane.astype(np.float32), qp, block_px, (motion_px[0] / 2, motion_px[1] / 2), deblock)
        coded.append(cv2.resize(part, (luma.shape[1], luma.shape[0]), interpolation=cv2.INTER_LINEAR))
    return cv2.cvtColor(bytes_of(np.dstack(coded)), cv2.COLOR_YCrCb2BGR)[:height, :width]


def _plane(plane: F32, qp: int, block_px: int, motion_px: tuple[float, float], deblock: bool) -> F32:
    before = _quantised(_shifted(plane, *motion_px) - 128, qp, block_px, INTRA_ROUNDING) + 128
    if deblock:
        before = _deblocked(before, qp, block_px)
    predicted = _shifted(before, -round(motion_px[0]), -round(motion_px[1]))
    now = predicted + _quantised(plane - predicted, qp, block_px, INTER_ROUNDING)
    return _deblocked(now, qp, block_px) if deblock else now


def _shifted(plane: F32, x_px: float, y_px: float) -> F32:
    move = np.float32([[1, 0, x_px], [0, 1, y_px]])
    return cv2.warpAffine(plane, move, plane.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _quantised(plane: F32, qp: int, block_px: int, rounding: float) -> F32:
    """Every block's orthonormal DCT, in whole steps."""
    height, width = plane.shape
    step = np.float32(0.625 * 2 ** (qp / 6))
    basis = cv2.dct(np.eye(block_px, dtype=np.float32), flags=cv2.DCT_ROWS).T
    blocks = plane.reshape(height // block_px, block_px, width // block_px, block_px).transpose(0, 2, 1, 3)
    coefficients = basis @ blocks @ basis.T
    kept = np.sign(coefficients) * np.floor(np.abs(coefficients) / step + np.float32(rounding)) * step
    return (basis.T @ kept @ basis).transpose(0, 2, 1, 3).reshape(height, width)


def _deblocked(plane: F32, qp: int, block_px: int) -> F32:
    """Blocks' edges smoothed, upright ones first, where the step is small enough to come from the quantiser."""
    alpha, beta = 0.8 * (2 ** (qp / 6) - 1), max(0.5 * qp - 7, 0)
    for _ in range(2):
        plane = plane.T.copy()  # its rows are the columns of the other direction
        edges = np.arange(block_px, plane.shape[0], block_px)
        p1, p0, q0, q1 = (plane[edges + offset] for offset in (-2, -1, 0, 1))
        flat = (np.abs(p0 - q0) < alpha) & (np.abs(p1 - p0) < beta) & (np.abs(q1 - q0) < beta)
        most = alpha / 4 + 1
        change = flat * np.clip((4 * (q0 - p0) + p1 - q1) / 8, -most, most)
        plane[edges - 1], plane[edges] = p0 + change, q0 - change
    return plane
