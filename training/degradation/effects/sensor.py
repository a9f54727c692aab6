"""Sensors and what the camera's own processor does: pixels, noise, colour, sharpening, rows read one after another."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.types import U8
from training.degradation.effects.pixels import Rng, bytes_of, display, linear

ADC_STEPS = 4095  # 12 bits


def low_resolution(bgr: U8, factor: float, down: int = cv2.INTER_AREA, up: int = cv2.INTER_LINEAR) -> U8:
    """Fewer pixels and back: `factor` 0.25 keeps a quarter of the width and height."""
    height, width = bgr.shape[:2]
    small = cv2.resize(bgr, (max(2, round(width * factor)), max(2, round(height * factor))), interpolation=down)
    return cv2.resize(small, (width, height), interpolation=up)  # type: ignore[return-value]


def sensor_noise(bgr: U8, rng: Rng, shot: float, read: float, gray: bool = False) -> U8:
    """Shot noise (grows with the root of light) and read noise, standard deviations on 0..255; `gray`: the same in all channels."""
    light = bgr.astype(np.float32)
    shape = (*bgr.shape[:2], 1) if gray else bgr.shape
    deviation = np.sqrt(shot**2 * light / 255 + read**2)
    return bytes_of(light + rng.standard_normal(shape, np.float32) * deviation)


def isp_noise(bgr: U8, rng: Rng, white_e: float, read_e: float, balance: tuple[float, float, float] = (1, 1, 1), gamma: float = 2.2) -> U8:
    """Noise where it arises: in linear light, under the colour mosaic, before white balance, demosaicing and gamma.

    `white_e` is how many electrons a white pixel holds (its shot noise is their root), `read_e` the read noise in electrons,
    `balance` the processor's gain per channel (BGR): a channel that is amplified brings more noise. The way back to the raw picture
    follows Brooks et al., "Unprocessing Images for Learned Raw Denoising", CVPR 2019.
    """
    height, width = bgr.shape[:2]
    padded = cv2.copyMakeBorder(bgr, 2, 2 + height % 2, 2, 2 + width % 2, cv2.BORDER_REFLECT_101)
    light = linear(padded, gamma) / np.float32(balance)
    raw = light[..., 1].copy()
    raw[::2, ::2], raw[1::2, 1::2] = light[::2, ::2, 0], light[1::2, 1::2, 2]
    electrons = raw * white_e + rng.standard_normal(raw.shape, np.float32) * np.sqrt(raw * white_e + read_e**2)
    counts = np.clip(electrons * (ADC_STEPS / white_e) + 0.5, 0, ADC_STEPS).astype(np.uint16)
    colour = cv2.cvtColor(counts, cv2.COLOR_BayerRG2BGR).astype(np.float32) / ADC_STEPS * np.float32(balance)
    return display(colour, gamma)[2 : 2 + height, 2 : 2 + width]


def colour_cast(bgr: U8, gains: tuple[float, float, float], saturation: float) -> U8:
    """White balance off by a gain per channel (BGR), and more or less colour (0 is infrared's gray)."""
    light = bgr.astype(np.float32) * np.float32(gains)
    gray = light.mean(axis=2, keepdims=True)
    return bytes_of(gray + np.float32(saturation) * (light - gray))


def sharpen(bgr: U8, sigma_px: float, amount: float) -> U8:
    """A camera's own over-sharpening: halos along edges."""
    blurred = cv2.GaussianBlur(bgr, (0, 0), sigma_px)
    return cv2.addWeighted(bgr, 1 + amount, blurred, -amount, 0)  # type: ignore[return-value]


def interlace(bgr: U8, shift_px: int) -> U8:
    """Two fields of an interlaced camera, the odd one shifted by the motion between them."""
    out = bgr.copy()
    out[1::2] = np.roll(bgr[1::2], shift_px, axis=1)
    return out


def rolling_shutter(bgr: U8, skew_px: float, wobble_px: float = 0.0, period_rows: float = 20.0, phase_deg: float = 0.0) -> U8:
    """Rows read one after another: the last is `skew_px` right of the first (speed), and rows swing by `wobble_px` (vibration).

    The middle row stays, so that the plate as a whole does not move.
    """
    height, width = bgr.shape[:2]
    row = np.arange(height, dtype=np.float32)
    along = row / max(height - 1, 1) - 0.5
    shift = skew_px * along + wobble_px * np.sin(2 * np.pi * row / period_rows + np.deg2rad(phase_deg))
    x = np.arange(width, dtype=np.float32)[None, :] - shift[:, None].astype(np.float32)
    y = np.repeat(row[:, None], width, axis=1)
    return cv2.remap(bgr, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]
