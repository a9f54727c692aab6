"""The classical recipe, for comparison: blur, fewer pixels, noise, JPEG, always these and always in this order."""

from __future__ import annotations

import cv2
import numpy as np

from training.degradation.hybrid import Recipe, Step


def recipe(rng: np.random.Generator, line_px: float, severity: float = 1.0) -> Recipe:
    """A recipe for a plate whose line of text is `line_px` high; severity 0 leaves it alone, 1 is a hard road."""
    if severity <= 0:
        return ()
    sigma = 0.2 + severity * line_px * rng.uniform(0, 0.08)
    left = float(np.exp(rng.uniform(np.log(7), np.log(max(8.0, line_px)))))
    factor = min(1.0, left / line_px) ** min(1.0, severity)
    return (
        Step("gaussian_blur", {"sigma_x_px": sigma, "sigma_y_px": sigma}),
        Step("low_resolution", {"factor": factor, "down": cv2.INTER_CUBIC, "up": cv2.INTER_CUBIC}),
        Step("sensor_noise", {"shot": 0.0, "read": severity * rng.uniform(0, 12)}, int(rng.integers(2**31))),
        Step("jpeg", {"quality": int(np.clip(95 - severity * rng.gamma(2.0, 14), 12, 98))}),
    )
