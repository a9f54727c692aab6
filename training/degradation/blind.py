"""Blind kernel estimation: one gray picture of a plate → the blur that made it.

Latent picture and kernel take turns, from coarse to fine. The latent picture has few tones that differ from the ground and few edges, as
two-tone text has: the L0 prior on intensity and gradient of Pan, Hu, Su & Yang, "Deblurring Text Images via L0-Regularized Intensity
and Gradient Prior", CVPR 2014, solved with their half-quadratic splitting (here both weights rise in one loop). Written from the equations.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from alpr.types import F32, U8

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Settings:
    """Weights for a picture on 0..1."""

    size: int = 25  # of the kernel, odd
    rounds: int = 5  # a scale
    edges: float = 4e-3  # what an edge pixel costs
    tones: float = 1.0  # what a pixel that is not ground costs, in edges
    doublings: int = 8  # of the splitting's weights
    energy: float = 0.2  # the kernel's ridge, per mean gradient energy
    floor: float = 0.06  # kernel values below this share of the largest are noise


SETTINGS = Settings()


def estimate(gray: U8, settings: Settings = SETTINGS) -> F32:
    """The kernel (size, size) of a picture of text: not negative, sum 1, its centre of mass in the middle."""
    sharpest = two_tone(gray)
    sizes = [settings.size]
    while sizes[-1] > 5:
        sizes.append(max(5, int(sizes[-1] / 1.5) // 2 * 2 + 1))
    kernel = None
    for size in reversed(sizes):
        scale = size / settings.size
        blurred = cv2.resize(sharpest, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else sharpest
        kernel = start(size) if kernel is None else resized(kernel, size)
        kernel = _at_scale(blurred.astype(np.float64), kernel, settings)
    assert kernel is not None
    return kernel.astype(np.float32)


def two_tone(gray: U8) -> F32:
    """Ground near 0, ink near 1: stretched between outer percentiles and turned over where most of it is bright."""
    low, high = np.percentile(gray, (3, 97))
    tone = np.clip((gray.astype(np.float32) - low) / max(high - low, 1.0), -0.1, 1.1).astype(np.float32)
    return 1 - tone if np.median(tone) > 0.5 else tone


def start(size: int) -> F64:
    """Two neighbouring pixels: no blur at all would stay that way."""
    kernel = np.zeros((size, size))
    kernel[size // 2, size // 2 : size // 2 + 2] = 0.5
    return kernel


def resized(kernel: F64, size: int) -> F64:
    """The kernel of the next finer scale."""
    return centred(np.maximum(cv2.resize(kernel, (size, size), interpolation=cv2.INTER_CUBIC), 0))  # type: ignore[arg-type]


def centred(kernel: F64) -> F64:
    """Sum 1, and the centre of mass moved to the middle by whole pixels; what leaves the frame is lost."""
    middle = kernel.shape[0] // 2
    axis = np.arange(kernel.shape[0]) - middle
    kernel = kernel / kernel.sum()
    y, x = round(float(kernel.sum(1) @ axis)), round(float(kernel.sum(0) @ axis))
    moved = cv2.warpAffine(kernel, np.float32([[1, 0, -x], [0, 1, -y]]), kernel.shape[::-1], flags=cv2.INTER_NEAREST)
    return moved / moved.sum()


def _at_scale(blurred: F64, kernel: F64, settings: Settings) -> F64:
    picture = wrapped(blurred, settings.size)
    seen = np.fft.rfft2(picture)
    dx, dy = spectrum(np.array([[-1.0, 1.0]]), picture.shape), spectrum(np.array([[-1.0], [1.0]]), picture.shape)
    for _ in range(settings.rounds):
        latent = np.fft.rfft2(sharp(seen, kernel, dx, dy, picture.shape, settings))
        kernel = _kernel(latent, seen, dx, dy, picture.shape, kernel.shape[0], settings)
    return kernel


def sharp(seen: C128, kernel: F64, dx: C128, dy: C128, shape: tuple[int, int], settings: Settings) -> F64:
    """The latent picture: min |k * x - y|² + edges · (|∇x|₀ + tones · |x|₀)."""
    blur = spectrum(kernel, shape)
    data, known, slope = np.abs(blur) ** 2, np.conj(blur) * seen, np.abs(dx) ** 2 + np.abs(dy) ** 2
    latent = np.fft.irfft2(seen, s=shape)
    spread = seen
    for doubling in range(settings.doublings):
        at_edges = 2 * settings.edges * 2**doubling
        at_tones = settings.tones * at_edges
        across, down = np.fft.irfft2(dx * spread, s=shape), np.fft.irfft2(dy * spread, s=shape)
        kept = across**2 + down**2 > settings.edges / at_edges
        ink = latent * (latent**2 > settings.edges / at_edges)
        wanted = np.conj(dx) * np.fft.rfft2(across * kept) + np.conj(dy) * np.fft.rfft2(down * kept)
        total = known + at_edges * wanted + at_tones * (np.fft.rfft2(ink) if at_tones else 0)
        spread = total / (data + at_edges * slope + at_tones)
        latent = np.fft.irfft2(spread, s=shape)
    return latent


def _kernel(latent: C128, seen: C128, dx: C128, dy: C128, shape: tuple[int, int], size: int, settings: Settings) -> F64:
    """min |k * ∇x - ∇y|² + ridge · |k|², then what a kernel must be: not negative, in one piece, of sum 1."""
    slope = np.abs(dx) ** 2 + np.abs(dy) ** 2
    power = slope * np.abs(latent) ** 2
    whole = np.fft.irfft2(slope * np.conj(latent) * seen / (power + settings.energy * power.mean()), s=shape)
    half = size // 2
    kernel = np.roll(whole, (half, half), axis=(0, 1))[:size, :size]
    return centred(one_piece(np.where(kernel > settings.floor * kernel.max(), kernel, 0)))


def one_piece(kernel: F64) -> F64:
    """The connected piece that weighs most."""
    count, labels = cv2.connectedComponents((kernel > 0).astype(np.uint8), connectivity=8)
    weights = [kernel[labels == label].sum() for label in range(1, count)]
    return kernel * (labels == 1 + int(np.argmax(weights)))


def spectrum(kernel: F64, shape: tuple[int, int]) -> C128:
    """The transfer function of a small kernel whose middle is its origin."""
    whole = np.zeros(shape)
    whole[: kernel.shape[0], : kernel.shape[1]] = kernel
    return np.fft.rfft2(np.roll(whole, (-(kernel.shape[0] // 2), -(kernel.shape[1] // 2)), axis=(0, 1)))


def wrapped(picture: F64, ramp: int) -> F64:
    """Enlarged to a size that transforms fast, each end led smoothly into the other, as the Fourier transform sees it."""
    for _ in range(2):
        picture = picture.T
        rows = cv2.getOptimalDFTSize(picture.shape[0] + ramp + 1) // 2 * 2
        share = np.linspace(0, 1, rows - picture.shape[0] + 2)[1:-1, None]
        picture = np.concatenate([picture, (1 - share) * picture[-1] + share * picture[0]])
    return np.ascontiguousarray(picture)
