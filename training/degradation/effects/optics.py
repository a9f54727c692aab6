"""Lenses and motion: blurs."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from alpr.types import F32, U8


def gaussian_blur(bgr: U8, sigma_x_px: float, sigma_y_px: float, angle_deg: float = 0.0) -> U8:
    """Anisotropic Gaussian blur, its long axis turned by an angle."""
    if angle_deg == 0.0:
        return cv2.GaussianBlur(bgr, (0, 0), sigmaX=max(sigma_x_px, 0.01), sigmaY=max(sigma_y_px, 0.01))  # type: ignore[return-value]
    return filtered(bgr, gaussian_kernel(sigma_x_px, sigma_y_px, angle_deg))


def motion_blur(bgr: U8, length_px: float, angle_deg: float) -> U8:
    """A straight smear, as of a vehicle that moves during the exposure."""
    return filtered(bgr, motion_kernel(length_px, angle_deg))


def defocus(bgr: U8, radius_px: float) -> U8:
    """The disc of a lens out of focus."""
    return filtered(bgr, disc_kernel(radius_px))


def kernel_blur(bgr: U8, kernel: Sequence[Sequence[float]]) -> U8:
    """Blur with a kernel given as rows of odd size, such as one of the bank that `kernels` estimates; it is brought to a sum of 1."""
    weights = np.float32(kernel)
    if weights.ndim != 2 or not all(side % 2 for side in weights.shape) or not weights.sum() > 0:
        raise ValueError(f"expected a kernel of odd height and width with a sum above 0, got shape {weights.shape}, sum {weights.sum()}")
    return filtered(bgr, weights / weights.sum())


def gaussian_kernel(sigma_x_px: float, sigma_y_px: float, angle_deg: float = 0.0) -> F32:
    reach = max(1, int(np.ceil(3 * max(sigma_x_px, sigma_y_px))))
    axis = np.arange(-reach, reach + 1, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    along, across = c * x + s * y, -s * x + c * y
    kernel = np.exp(-0.5 * ((along / max(sigma_x_px, 0.1)) ** 2 + (across / max(sigma_y_px, 0.1)) ** 2))
    return (kernel / kernel.sum()).astype(np.float32)


def motion_kernel(length_px: float, angle_deg: float) -> F32:
    size = 2 * int(np.ceil(length_px / 2)) + 3
    kernel = np.zeros((size, size), np.float32)
    half = length_px / 2 * np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    centre = (size - 1) / 2
    ends = np.round((np.array([centre - half, centre + half])) * 16).astype(int)
    cv2.line(kernel, ends[0].tolist(), ends[1].tolist(), 1.0, 1, cv2.LINE_AA, shift=4)
    kernel[int(centre), int(centre)] += 1e-3  # never empty
    return kernel / kernel.sum()  # type: ignore[no-any-return]


def disc_kernel(radius_px: float) -> F32:
    size = 2 * int(np.ceil(radius_px)) + 1
    axis = np.arange(size) - size // 2
    distance = np.hypot(axis[:, None], axis[None, :])
    kernel = np.clip(radius_px + 0.5 - distance, 0, 1).astype(np.float32)
    return kernel / kernel.sum()  # type: ignore[no-any-return]


def filtered(bgr: U8, kernel: F32) -> U8:
    """Correlate with a kernel, edges replicated."""
    return cv2.filter2D(bgr, -1, kernel, borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]
