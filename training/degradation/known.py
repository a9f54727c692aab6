"""The estimator on blurs that are known: rendered plates, spoilt at the bank's scale, beside two trivial Gaussians."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from alpr.types import F32, U8
from training.degradation import blind
from training.degradation.effects import jpeg, sensor_noise
from training.degradation.effects.optics import disc_kernel, filtered, gaussian_kernel, motion_kernel

Rng = np.random.Generator
SIGMAS = np.arange(0.5, 6.1, 0.25)
WAYS = ("estimated", "edge_gaussian", "best_gaussian")


@dataclass(frozen=True, slots=True)
class Case:
    """A spoilt plate and what spoilt it."""

    family: str  # gaussian, motion or defocus
    sampled: bool  # seen with a third of the pixels and as JPEG, as small plates are
    gray: U8
    truth: F32


def cases(rng: Rng, faces: dict, count: int, line_px: int) -> Iterator[Case]:  # type: ignore[type-arg]
    """Rendered one-line plates with a margin, blurred by one of three families in turn, half of them sampled coarsely too."""
    from training.synth import layouts, plates, views

    made = 0
    while made < count:
        layout = layouts.sample(rng)
        if len(layout.lines) != 1:
            continue
        plate = plates.render_plate(rng, faces, layout, line_px=line_px, wear=0.3).bgr
        seen = views.view(rng, plate, views.Pose(1.5, 0.03, 0.01, (0.1, 0.25))).bgr
        family, sampled = ("gaussian", "motion", "defocus")[made % 3], made // 3 % 2 == 1
        yield spoilt(rng, seen, family, drawn(rng, family), sampled)
        made += 1


def drawn(rng: Rng, family: str) -> F32:
    if family == "gaussian":
        long = rng.uniform(1.2, 3.5)
        return gaussian_kernel(long, long * rng.uniform(0.4, 1), rng.uniform(0, 180))
    return motion_kernel(rng.uniform(4, 14), rng.uniform(0, 180)) if family == "motion" else disc_kernel(rng.uniform(1.5, 5))


def spoilt(rng: Rng, bgr: U8, family: str, kernel: F32, sampled: bool) -> Case:
    bgr = filtered(bgr, kernel)
    if sampled:
        small = cv2.resize(bgr, None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA)
        small = jpeg(sensor_noise(small, rng, shot=2, read=2), 85)  # type: ignore[arg-type]
        bgr = cv2.resize(small, bgr.shape[1::-1], interpolation=cv2.INTER_CUBIC)  # type: ignore[assignment]
        kernel = coarser(kernel)
    else:
        bgr = sensor_noise(bgr, rng, shot=2, read=2)
    return Case(family, sampled, cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), kernel)  # type: ignore[arg-type]


def coarser(kernel: F32) -> F32:
    """What a kernel becomes when the picture goes to a third of its pixels and back: the mean over where the pixels fall."""
    side = 3 * (kernel.shape[0] // 3 + 8)
    total = np.zeros((side, side), np.float32)
    for dy in range(3):
        for dx in range(3):
            y, x = (side // 2 - kernel.shape[i] // 2 + d for i, d in enumerate((dy, dx)))
            whole = np.zeros((side, side), np.float32)
            whole[y : y + kernel.shape[0], x : x + kernel.shape[1]] = kernel
            small = cv2.resize(whole, (side // 3, side // 3), interpolation=cv2.INTER_AREA)
            back = cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
            total += np.roll(back, (-dy, -dx), axis=(0, 1))
    return np.maximum(total, 0) / np.maximum(total, 0).sum()  # type: ignore[no-any-return]


def similarity(a: F32, b: F32) -> float:
    """The largest normalised cross-correlation over all shifts: 1 for equal kernels, wherever they lie."""
    size = a.shape[0] + b.shape[0], a.shape[1] + b.shape[1]
    together = np.fft.irfft2(np.fft.rfft2(a, size) * np.conj(np.fft.rfft2(b, size)), s=size)
    return float(together.max() / np.sqrt((a**2).sum() * (b**2).sum()))


def edge_gaussian(gray: U8) -> F32:
    """The trivial blind guess: an isotropic Gaussian as wide as the steepest edges say: slope = contrast / (sigma · root of 2 pi)."""
    tone = blind.two_tone(gray)
    slope = np.hypot(np.gradient(tone, axis=0), np.gradient(tone, axis=1))
    sigma = float(np.clip(1 / (np.sqrt(2 * np.pi) * np.percentile(slope, 99.5)), 0.4, 6))
    return gaussian_kernel(sigma, sigma)


def best_gaussian(truth: F32) -> float:
    """The similarity that the best isotropic Gaussian reaches, which only an oracle could choose."""
    return max(similarity(gaussian_kernel(sigma, sigma), truth) for sigma in SIGMAS)


def compare(case: Case) -> dict[str, float]:
    """Similarity to the truth of the estimate, of the blind Gaussian, and of the oracle's Gaussian."""
    return {
        "estimated": similarity(blind.estimate(case.gray), case.truth),
        "edge_gaussian": similarity(edge_gaussian(case.gray), case.truth),
        "best_gaussian": best_gaussian(case.truth),
    }


def table(cases: list[Case]) -> list[dict[str, object]]:
    """A row per family and sampling, and one for all: n, the mean of each way, and how often the estimate beat the blind Gaussian."""
    results = [(case, compare(case)) for case in cases]
    kinds = sorted({(case.family, case.sampled) for case in cases})
    groups = [(*kind, [result for case, result in results if (case.family, case.sampled) == kind]) for kind in kinds]
    groups.append(("all", "both", [result for _, result in results]))  # type: ignore[arg-type]
    rows = []
    for family, sampled, part in groups:
        means = {way: round(float(np.mean([result[way] for result in part])), 4) for way in WAYS}
        lowest = round(float(np.percentile([result["estimated"] for result in part], 10)), 4)
        wins = round(float(np.mean([result["estimated"] > result["edge_gaussian"] for result in part])), 3)
        rows.append({"blur": family, "sampled": sampled, "n": len(part), **means, "estimated_p10": lowest, "estimated_wins": wins})
    return rows


def write(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
