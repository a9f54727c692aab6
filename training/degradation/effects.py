"""One pure function per physical effect: BGR uint8 in, BGR uint8 of the same size out, parameters in physical terms."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.types import F32, U8

Rng = np.random.Generator


def gaussian_blur(bgr: U8, sigma_x_px: float, sigma_y_px: float, angle_deg: float = 0.0) -> U8:
    """Anisotropic Gaussian blur, its long axis turned by an angle."""
    if angle_deg == 0.0:
        return cv2.GaussianBlur(bgr, (0, 0), sigmaX=max(sigma_x_px, 0.01), sigmaY=max(sigma_y_px, 0.01))  # type: ignore[return-value]
    return _filtered(bgr, _gaussian_kernel(sigma_x_px, sigma_y_px, angle_deg))


def motion_blur(bgr: U8, length_px: float, angle_deg: float) -> U8:
    """A straight smear, as of a vehicle that moves during the exposure."""
    size = 2 * int(np.ceil(length_px / 2)) + 3
    kernel = np.zeros((size, size), np.float32)
    half = length_px / 2 * np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    centre = (size - 1) / 2
    ends = np.round((np.array([centre - half, centre + half])) * 16).astype(int)
    cv2.line(kernel, ends[0].tolist(), ends[1].tolist(), 1.0, 1, cv2.LINE_AA, shift=4)
    kernel[int(centre), int(centre)] += 1e-3  # never empty
    return _filtered(bgr, kernel / kernel.sum())


def defocus(bgr: U8, radius_px: float) -> U8:
    """The disc of a lens out of focus."""
    size = 2 * int(np.ceil(radius_px)) + 1
    axis = np.arange(size) - size // 2
    distance = np.hypot(axis[:, None], axis[None, :])
    kernel = np.clip(radius_px + 0.5 - distance, 0, 1).astype(np.float32)
    return _filtered(bgr, kernel / kernel.sum())


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
    return _bytes(light + rng.standard_normal(shape, np.float32) * deviation)


def jpeg(bgr: U8, quality: int) -> U8:
    """JPEG at a quality of 1..100."""
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    if not done:
        raise ValueError(f"cannot encode a picture of shape {bgr.shape} as JPEG")
    return cv2.imdecode(data, cv2.IMREAD_COLOR)  # type: ignore[return-value]


def exposure(bgr: U8, gain: float, offset: float, gamma: float) -> U8:
    """Light and tone: 255 * (gain * x) ** gamma + offset, clipped as a sensor clips."""
    tone = 255 * np.clip(gain * np.arange(256, dtype=np.float32) / 255, 0, 1) ** gamma + offset
    return cv2.LUT(bgr, np.clip(tone, 0, 255).astype(np.uint8))  # type: ignore[return-value]


def colour_cast(bgr: U8, gains: tuple[float, float, float], saturation: float) -> U8:
    """White balance off by a gain per channel (BGR), and more or less colour (0 is infrared's gray)."""
    light = bgr.astype(np.float32) * np.float32(gains)
    gray = light.mean(axis=2, keepdims=True)
    return _bytes(gray + np.float32(saturation) * (light - gray))


def glare(bgr: U8, centre: tuple[float, float], radius: float, strength: float) -> U8:
    """A light's bloom: centre and radius per picture size, strength 0..1 of full white at its middle."""
    height, width = bgr.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = ((x / width - centre[0]) ** 2 + (y / height - centre[1]) ** 2 * (height / width) ** 0.5) / radius**2
    bloom = (strength * np.exp(-distance))[..., None].astype(np.float32)
    return _bytes(bgr + bloom * (255 - bgr.astype(np.float32)))


def shadow(bgr: U8, edge: tuple[float, float, float], depth: float, softness_px: float = 2.0) -> U8:
    """A shadow on the side of the line a·x + b·y > c (per picture size), darkened to `depth` of the light."""
    height, width = bgr.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    side = (edge[0] * x / width + edge[1] * y / height - edge[2]) * max(height, width) / max(softness_px, 0.1)
    darkness = 1 - (1 - depth) / (1 + np.exp(-np.clip(side, -30, 30)))
    return _bytes(bgr * darkness[..., None].astype(np.float32))


def sharpen(bgr: U8, sigma_px: float, amount: float) -> U8:
    """A camera's own over-sharpening: halos along edges."""
    blurred = cv2.GaussianBlur(bgr, (0, 0), sigma_px)
    return cv2.addWeighted(bgr, 1 + amount, blurred, -amount, 0)  # type: ignore[return-value]


def interlace(bgr: U8, shift_px: int) -> U8:
    """Two fields of an interlaced camera, the odd one shifted by the motion between them."""
    out = bgr.copy()
    out[1::2] = np.roll(bgr[1::2], shift_px, axis=1)
    return out


def occlusion(bgr: U8, box: tuple[float, float, float, float], colour: tuple[float, float, float]) -> U8:
    """Something in front: a filled box, xyxy per picture size."""
    height, width = bgr.shape[:2]
    out = bgr.copy()
    x1, y1, x2, y2 = (round(v * s) for v, s in zip(box, (width, height, width, height), strict=True))
    cv2.rectangle(out, (x1, y1), (x2, y2), colour, -1)
    return out


def _gaussian_kernel(sigma_x: float, sigma_y: float, angle_deg: float) -> F32:
    reach = max(1, int(np.ceil(3 * max(sigma_x, sigma_y))))
    axis = np.arange(-reach, reach + 1, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    along, across = c * x + s * y, -s * x + c * y
    kernel = np.exp(-0.5 * ((along / max(sigma_x, 0.1)) ** 2 + (across / max(sigma_y, 0.1)) ** 2))
    return (kernel / kernel.sum()).astype(np.float32)


def _filtered(bgr: U8, kernel: F32) -> U8:
    return cv2.filter2D(bgr, -1, kernel, borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _bytes(light: F32) -> U8:
    return np.clip(light + 0.5, 0, 255).astype(np.uint8)
