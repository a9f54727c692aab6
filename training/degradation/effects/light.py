"""Light: too much, too little, from a lamp, from the camera's own infrared flash."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.types import U8
from training.degradation.effects.pixels import bytes_of, display, linear, places


def exposure(bgr: U8, gain: float, offset: float, gamma: float) -> U8:
    """Light and tone: 255 * (gain * x) ** gamma + offset, clipped as a sensor clips."""
    tone = 255 * np.clip(gain * np.arange(256, dtype=np.float32) / 255, 0, 1) ** gamma + offset
    return cv2.LUT(bgr, np.clip(tone, 0, 255).astype(np.uint8))  # type: ignore[return-value]


def glare(bgr: U8, centre: tuple[float, float], radius: float, strength: float) -> U8:
    """A light's bloom: centre and radius per picture size, strength 0..1 of full white at its middle."""
    height, width = bgr.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = ((x / width - centre[0]) ** 2 + (y / height - centre[1]) ** 2 * (height / width) ** 0.5) / radius**2
    bloom = (strength * np.exp(-distance))[..., None].astype(np.float32)
    return bytes_of(bgr + bloom * (255 - bgr.astype(np.float32)))


def headlight(
    bgr: U8, centre: tuple[float, float], radius: float, strength: float, streak: float = 0.5, angle_deg: float = 0.0, tint: float = 1.0
) -> U8:
    """A lamp that shines into the lens: a veil that falls with the square of the angle, and a streak through it, added to the light.

    `centre` per picture size, it may lie outside; `radius` per picture height, where half of the veil is left; `strength` 1 whitens
    the middle, `streak` is the streak's share of it; `tint` below 1 is a yellower lamp. The veil's form is the CIE's (Vos, 1984).
    """
    x, y = places(bgr, centre)
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    along, across = c * x + s * y, -s * x + c * y
    veil = 1 / (1 + (x**2 + y**2) / radius**2)
    line = np.exp(-((across / (0.12 * radius)) ** 2)) / (1 + (along / (4 * radius)) ** 2)
    added = strength * (veil + streak * line)
    return display(linear(bgr) + added[..., None].astype(np.float32) * np.float32((tint**2, tint, 1)))


def shadow(bgr: U8, edge: tuple[float, float, float], depth: float, softness_px: float = 2.0) -> U8:
    """A shadow on the side of the line a·x + b·y > c (per picture size), darkened to `depth` of the light."""
    height, width = bgr.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    side = (edge[0] * x / width + edge[1] * y / height - edge[2]) * max(height, width) / max(softness_px, 0.1)
    darkness = 1 - (1 - depth) / (1 + np.exp(-np.clip(side, -30, 30)))
    return bytes_of(bgr * darkness[..., None].astype(np.float32))


def infrared(
    bgr: U8, flash: float, centre: tuple[float, float] = (0.5, 0.5), beam: float = 1.5, ambient: float = 0.1, bloom_px: float = 0.7
) -> U8:
    """Night under the camera's own infrared lamp: gray, and the retro-reflective ground sends `flash` times its light back.

    The lamp lights `beam` picture heights around `centre`, beyond which `ambient` of the light is left. What is brighter than white
    spreads by `bloom_px` before it clips: the ground eats into the strokes, as on real flash pictures.
    """
    gray = linear(bgr) @ np.float32([0.1, 0.3, 0.6])  # silicon's infrared sees red inks as bright, blue ones as dark
    x, y = places(bgr, centre)
    lamp = ambient + (1 - ambient) * np.exp(-0.5 * (x**2 + y**2) / beam**2)
    light = (gray * lamp * flash).astype(np.float32)
    if bloom_px > 0:
        light = cv2.GaussianBlur(light, (0, 0), bloom_px)  # type: ignore[assignment]
    return np.repeat(display(light)[..., None], 3, axis=2)
