"""A constant-velocity Kalman filter of a plate's centre, in seconds and plate heights: Kalman, 1960; our own code.

Both axes share one covariance, since their noise and their clock are the same, so the filter is a handful of scalars.
"""

from __future__ import annotations

from dataclasses import dataclass

MEASURE = 0.15
"""Noise of a detected centre, in plate heights."""
ACCELERATION = 15.0
"""Change of velocity a vehicle makes, in plate heights per s²: braking, turning, and perspective as it comes near."""
FIRST_SPEED = 30.0
"""Spread of a velocity that is not known yet, in plate heights per s across the picture. For a plate 0.11 m high that is
12 km/h straight across the view; three times that still falls within the tracker's gate, and what drives towards a camera
moves far less in its picture than across it."""


@dataclass(slots=True)
class Motion:
    """State of one plate: position px, velocity px/s, and their covariance in (plate heights)²."""

    x: float
    y: float
    vx: float = 0.0
    vy: float = 0.0
    pp: float = MEASURE**2
    pv: float = 0.0
    vv: float = FIRST_SPEED**2

    def predict(self, dt_s: float) -> None:
        """Let time pass, with white-noise acceleration."""
        self.x += self.vx * dt_s
        self.y += self.vy * dt_s
        noise = ACCELERATION**2 * dt_s
        self.pp += dt_s * (2 * self.pv + dt_s * self.vv) + noise * dt_s**2 / 3
        self.pv += dt_s * self.vv + noise * dt_s / 2
        self.vv += noise

    def correct(self, x: float, y: float) -> None:
        """See the plate at a place, now."""
        gain = 1 / (self.pp + MEASURE**2)
        dx, dy, kp, kv = x - self.x, y - self.y, self.pp * gain, self.pv * gain
        self.x, self.y = self.x + kp * dx, self.y + kp * dy
        self.vx, self.vy = self.vx + kv * dx, self.vy + kv * dy
        self.pp, self.pv, self.vv = (1 - kp) * self.pp, (1 - kp) * self.pv, self.vv - kv * self.pv

    @property
    def spread(self) -> float:
        """Standard deviation of where it will be seen next, in plate heights."""
        return float((self.pp + MEASURE**2) ** 0.5)
