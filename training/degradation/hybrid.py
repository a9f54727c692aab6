"""The hybrid recipe: a random subset of effects in a random order, saved as data so that a sample can be replayed.

Random order and several stages follow Real-ESRGAN (Wang et al., ICCVW 2021, arXiv:2107.10833) and LPSRGAN's n-stage model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from alpr.types import U8
from training.degradation import effects

Rng = np.random.Generator
DOWN = (cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)


@dataclass(frozen=True, slots=True)
class Step:
    """One effect with its parameters; `seed` is there where the effect draws noise of its own."""

    effect: str
    parameters: dict[str, Any]
    seed: int | None = None


Recipe = tuple[Step, ...]


def recipe(rng: Rng, line_px: float, severity: float = 1.0) -> Recipe:
    """Draw a recipe for a plate whose line of text is `line_px` high now; severity 0 leaves it alone, 1 is a hard road."""
    steps = [make(rng, line_px, severity) for chance, make in STEPS if rng.random() < chance * min(1.0, severity)]
    order = rng.permutation(len(steps))
    drawn = [steps[i] for i in order]
    if rng.random() < 0.85 * min(1.0, severity):  # what ends every camera's chain
        drawn.append(_jpeg(rng, line_px, severity))
    return tuple(drawn)


def replay(bgr: U8, steps: Recipe) -> U8:
    """Apply a recipe; the same recipe on the same picture gives the same bytes."""
    for step in steps:
        effect = getattr(effects, step.effect)
        noise = {} if step.seed is None else {"rng": np.random.default_rng(step.seed)}
        bgr = effect(bgr, **step.parameters, **noise)
    return bgr


def _blur(rng: Rng, line_px: float, severity: float) -> Step:
    long = severity * line_px * abs(rng.normal(0, 0.055)) + 0.2
    parameters = {"sigma_x_px": long, "sigma_y_px": long * rng.uniform(0.4, 1), "angle_deg": rng.uniform(0, 180)}
    return Step("gaussian_blur", parameters)


def _motion(rng: Rng, line_px: float, severity: float) -> Step:
    angle = rng.normal(0, 20) if rng.random() < 0.6 else rng.uniform(0, 180)
    return Step("motion_blur", {"length_px": 1 + severity * line_px * rng.uniform(0, 0.28), "angle_deg": angle})


def _defocus(rng: Rng, line_px: float, severity: float) -> Step:
    return Step("defocus", {"radius_px": 0.5 + severity * line_px * rng.uniform(0, 0.11)})


def _small(rng: Rng, line_px: float, severity: float) -> Step:
    left_px = float(np.exp(rng.uniform(np.log(7), np.log(max(8.0, line_px)))))
    factor = min(1.0, left_px / line_px) ** min(1.0, severity)
    return Step("low_resolution", {"factor": factor, "down": int(rng.choice(DOWN)), "up": int(rng.choice(UP))})


def _noise(rng: Rng, line_px: float, severity: float) -> Step:
    parameters = {"shot": severity * rng.uniform(0, 16), "read": severity * rng.uniform(0, 9), "gray": bool(rng.random() < 0.5)}
    return Step("sensor_noise", parameters, int(rng.integers(2**31)))


def _jpeg(rng: Rng, line_px: float, severity: float) -> Step:
    return Step("jpeg", {"quality": int(np.clip(95 - severity * rng.gamma(2.0, 14), 12, 98))})


def _exposure(rng: Rng, line_px: float, severity: float) -> Step:
    gain = float(np.exp(severity * rng.normal(0, 0.45)))
    return Step("exposure", {"gain": gain, "offset": severity * rng.normal(0, 15), "gamma": float(np.exp(severity * rng.normal(0, 0.3)))})


def _colour(rng: Rng, line_px: float, severity: float) -> Step:
    gains = tuple(np.exp(severity * rng.normal(0, 0.15, 3)).tolist())
    return Step("colour_cast", {"gains": gains, "saturation": rng.uniform(0, 1.3)})


def _glare(rng: Rng, line_px: float, severity: float) -> Step:
    centre = tuple(rng.uniform(-0.1, 1.1, 2).tolist())
    return Step("glare", {"centre": centre, "radius": rng.uniform(0.1, 0.6), "strength": severity * rng.uniform(0.1, 0.8)})


def _shadow(rng: Rng, line_px: float, severity: float) -> Step:
    angle, depth = rng.uniform(0, 2 * np.pi), 1 - severity * rng.uniform(0.1, 0.65)
    edge = (float(np.cos(angle)), float(np.sin(angle)), float(rng.uniform(-0.2, 0.9)))
    return Step("shadow", {"edge": edge, "depth": max(0.1, depth), "softness_px": rng.uniform(0.5, 6)})


def _sharpen(rng: Rng, line_px: float, severity: float) -> Step:
    return Step("sharpen", {"sigma_px": rng.uniform(0.6, 2.5), "amount": severity * rng.uniform(0.2, 1.8)})


def _interlace(rng: Rng, line_px: float, severity: float) -> Step:
    return Step("interlace", {"shift_px": int(rng.integers(1, 2 + int(severity * line_px * 0.05)))})


def _occlusion(rng: Rng, line_px: float, severity: float) -> Step:
    x, y = rng.uniform(0, 1, 2)
    box = (x - 0.03, y - 0.06, x + rng.uniform(0.0, 0.05), y + rng.uniform(0.0, 0.12))
    return Step("occlusion", {"box": box, "colour": tuple(rng.uniform(0, 255, 3).tolist())})


STEPS: tuple[tuple[float, Callable[[Rng, float, float], Step]], ...] = (
    (0.5, _blur), (0.35, _motion), (0.15, _defocus), (0.75, _small), (0.5, _noise), (0.25, _jpeg), (0.7, _exposure),
    (0.4, _colour), (0.12, _glare), (0.2, _shadow), (0.2, _sharpen), (0.04, _interlace), (0.06, _occlusion),
)  # fmt: skip
"""Each effect with its chance at severity 1."""
