"""One effect with its parameters, and for every effect a function that draws them: (rng, a line's height in pixels, severity) -> Step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from training.degradation import kernels

Rng = np.random.Generator
DOWN = (cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)
DAYLIGHT = (1.9, 1.0, 1.6)
"""What a sensor's blue, green and red want as gains under daylight, about."""


@dataclass(frozen=True, slots=True)
class Step:
    """One effect with its parameters; `seed` is there where the effect draws noise of its own."""

    effect: str
    parameters: dict[str, Any]
    seed: int | None = None


def blur(rng: Rng, line_px: float, severity: float) -> Step:
    long = severity * line_px * abs(rng.normal(0, 0.055)) + 0.2
    parameters = {"sigma_x_px": long, "sigma_y_px": long * rng.uniform(0.4, 1), "angle_deg": rng.uniform(0, 180)}
    return Step("gaussian_blur", parameters)


def motion(rng: Rng, line_px: float, severity: float) -> Step:
    angle = rng.normal(0, 20) if rng.random() < 0.6 else rng.uniform(0, 180)
    return Step("motion_blur", {"length_px": 1 + severity * line_px * rng.uniform(0, 0.28), "angle_deg": angle})


def defocus(rng: Rng, line_px: float, severity: float) -> Step:
    return Step("defocus", {"radius_px": 0.5 + severity * line_px * rng.uniform(0, 0.11)})


def estimated(rng: Rng, line_px: float, severity: float) -> Step:
    """The kernel itself goes into the recipe: an old recipe must not change with the bank."""
    bank = kernels.bank()
    kernel = bank[int(rng.integers(len(bank)))]
    if rng.random() < 0.5:
        kernel = kernel[:, ::-1]
    kernel = kernels.scaled(kernel, line_px / kernels.LINE_PX * min(1.0, severity))
    return Step("kernel_blur", {"kernel": tuple(tuple(row) for row in kernel.round(5).tolist())})


def small(rng: Rng, line_px: float, severity: float) -> Step:
    left_px = float(np.exp(rng.uniform(np.log(7), np.log(max(8.0, line_px)))))
    factor = min(1.0, left_px / line_px) ** min(1.0, severity)
    return Step("low_resolution", {"factor": factor, "down": int(rng.choice(DOWN)), "up": int(rng.choice(UP))})


def noise(rng: Rng, line_px: float, severity: float) -> Step:
    parameters = {"shot": severity * rng.uniform(0, 16), "read": severity * rng.uniform(0, 9), "gray": bool(rng.random() < 0.5)}
    return Step("sensor_noise", parameters, _seed(rng))


def isp_noise(rng: Rng, line_px: float, severity: float) -> Step:
    white_e = float(np.exp(rng.uniform(np.log(200), np.log(4000)))) / max(severity, 0.05)
    parameters = {"white_e": white_e, "read_e": severity * rng.uniform(1, 8), "balance": DAYLIGHT, "gamma": rng.uniform(1.8, 2.4)}
    return Step("isp_noise", parameters, _seed(rng))


def jpeg(rng: Rng, line_px: float, severity: float) -> Step:
    return Step("jpeg", {"quality": int(np.clip(95 - severity * rng.gamma(2.0, 14), 12, 98))})


def blocking(rng: Rng, line_px: float, severity: float) -> Step:
    motion_px = tuple((severity * line_px * 0.02 * rng.standard_normal(2)).tolist())
    block_px, deblock = int(rng.choice((4, 8))), bool(rng.random() < 0.7)
    qp = int(np.clip(18 + severity * rng.uniform(4, 20), 18, 40))
    return Step("blocking", {"qp": qp, "block_px": block_px, "motion_px": motion_px, "deblock": deblock})


def exposure(rng: Rng, line_px: float, severity: float) -> Step:
    gain = float(np.exp(severity * rng.normal(0, 0.45)))
    return Step("exposure", {"gain": gain, "offset": severity * rng.normal(0, 15), "gamma": float(np.exp(severity * rng.normal(0, 0.3)))})


def overexposed(rng: Rng, line_px: float, severity: float) -> Step:
    return Step("exposure", {"gain": 1 + severity * rng.uniform(0.3, 1.6), "offset": severity * rng.uniform(0, 45), "gamma": 1.0})


def underexposed(rng: Rng, line_px: float, severity: float) -> Step:
    return Step(
        "exposure", {"gain": float(np.exp(-severity * rng.uniform(0.6, 1.9))), "offset": severity * rng.uniform(0, 12), "gamma": 1.0}
    )


def colour(rng: Rng, line_px: float, severity: float) -> Step:
    gains = tuple(np.exp(severity * rng.normal(0, 0.15, 3)).tolist())
    return Step("colour_cast", {"gains": gains, "saturation": rng.uniform(0, 1.3)})


def tinted(rng: Rng, line_px: float, severity: float) -> Step:
    """Under one lamp: a brake light's red, sodium's orange, a sign's blue leave two of three colours dim."""
    lamp = np.log(((0.25, 0.3, 1.0), (0.25, 0.6, 1.0), (1.0, 0.6, 0.35), (0.5, 1.0, 0.6))[int(rng.integers(4))])
    return Step("colour_cast", {"gains": tuple(np.exp(severity * rng.uniform(0.3, 1.3) * lamp).tolist()), "saturation": 1.0})


def glare(rng: Rng, line_px: float, severity: float) -> Step:
    centre = tuple(rng.uniform(-0.1, 1.1, 2).tolist())
    return Step("glare", {"centre": centre, "radius": rng.uniform(0.1, 0.6), "strength": severity * rng.uniform(0.1, 0.8)})


def headlight(rng: Rng, line_px: float, severity: float) -> Step:
    """Mostly beside the plate, where lamps are."""
    centre = (float(rng.choice((rng.uniform(-0.5, 0.1), rng.uniform(0.9, 1.5)))), rng.uniform(-0.6, 0.8))
    parameters = {"centre": centre, "radius": rng.uniform(0.1, 0.5), "strength": severity * rng.uniform(0.3, 1.2)}
    return Step("headlight", {**parameters, "streak": rng.uniform(0, 0.8), "angle_deg": rng.normal(0, 12), "tint": rng.uniform(0.8, 1)})


def infrared(rng: Rng, line_px: float, severity: float) -> Step:
    centre = tuple(rng.normal(0.5, 0.15, 2).tolist())
    light = {"flash": 1 + severity * rng.uniform(-0.4, 1.2), "beam": rng.uniform(0.8, 3), "ambient": rng.uniform(0.05, 0.3)}
    return Step("infrared", {**light, "centre": centre, "bloom_px": severity * line_px * rng.uniform(0.01, 0.03)})


def shadow(rng: Rng, line_px: float, severity: float) -> Step:
    angle, depth = rng.uniform(0, 2 * np.pi), 1 - severity * rng.uniform(0.1, 0.65)
    edge = (float(np.cos(angle)), float(np.sin(angle)), float(rng.uniform(-0.2, 0.9)))
    return Step("shadow", {"edge": edge, "depth": max(0.1, depth), "softness_px": rng.uniform(0.5, 6)})


def sharpen(rng: Rng, line_px: float, severity: float) -> Step:
    return Step("sharpen", {"sigma_px": rng.uniform(0.6, 2.5), "amount": severity * rng.uniform(0.2, 1.8)})


def interlace(rng: Rng, line_px: float, severity: float) -> Step:
    return Step("interlace", {"shift_px": int(rng.integers(1, 2 + int(severity * line_px * 0.05)))})


def rolling_shutter(rng: Rng, line_px: float, severity: float) -> Step:
    """Mild: a clean twin that LPSR learns towards stays where it was."""
    skew, wobble = severity * line_px * rng.normal(0, 0.04), severity * line_px * rng.uniform(0, 0.02)
    swing = {"period_rows": line_px * rng.uniform(0.3, 1.5), "phase_deg": rng.uniform(0, 360)}
    return Step("rolling_shutter", {"skew_px": skew, "wobble_px": wobble, **swing})


def rain(rng: Rng, line_px: float, severity: float) -> Step:
    streaks = {"streaks": severity * rng.uniform(0.5, 5), "length_px": line_px * rng.uniform(0.1, 0.6), "angle_deg": rng.normal(90, 12)}
    return Step("rain", {**streaks, "opacity": rng.uniform(0.15, 0.55), "width_px": line_px * rng.uniform(0.005, 0.02)}, _seed(rng))


def fog(rng: Rng, line_px: float, severity: float) -> Step:
    """A plate 5 to 25 m away in fog of which one sees 40 to 300 m."""
    visibility = float(np.exp(rng.uniform(np.log(40), np.log(300))))
    gray = rng.uniform(150, 235)
    airlight = (min(255.0, gray * rng.uniform(1, 1.08)), gray, gray * rng.uniform(0.95, 1))
    return Step("fog", {"distance_m": severity * rng.uniform(5, 25), "visibility_m": visibility, "airlight": airlight})


def dirt(rng: Rng, line_px: float, severity: float) -> Step:
    gray = rng.uniform(30, 130)
    mud = {"spots": int(severity * rng.integers(0, 14)), "radius_px": line_px * rng.uniform(0.03, 0.1), "opacity": rng.uniform(0.4, 0.9)}
    return Step("dirt", {**mud, "dust": severity * rng.uniform(0, 0.3), "colour": (0.7 * gray, 0.85 * gray, gray)}, _seed(rng))


def occlusion(rng: Rng, line_px: float, severity: float) -> Step:
    x, y = rng.uniform(0, 1, 2).tolist()
    box = (x - 0.03, y - 0.06, x + rng.uniform(0.0, 0.05), y + rng.uniform(0.0, 0.12))
    return Step("occlusion", {"box": box, "colour": tuple(rng.uniform(0, 255, 3).tolist())})


def slant(rng: Rng, line_px: float, severity: float) -> Step:
    """Not among the hybrid recipe's steps: how a plate stands is for `training.synth.views`, which knows where its corners go; after it, a
    slant would undo what rectification has done, and move LPSR's input away from its clean twin."""
    shears = {"shear_x": severity * rng.normal(0, 0.12), "shear_y": severity * rng.normal(0, 0.05)}
    return Step("slant", {**shears, "squeeze_x": severity * rng.uniform(-0.1, 0.15), "squeeze_y": severity * rng.uniform(-0.05, 0.1)})


def _seed(rng: Rng) -> int:
    return int(rng.integers(2**31))
