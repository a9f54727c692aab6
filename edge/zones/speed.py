"""How fast a vehicle goes over a calibrated road: a straight, even way fitted to where its plate was seen within a second.

A sighting counts by what a pixel is worth in metres where it was made, and less the worse it fits (Huber's weights, by iteratively
reweighted least squares), so that one box that took the bumper for the plate moves little. Huber, "Robust Estimation of a Location
Parameter", 1964.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot
from typing import Final

import numpy as np

from alpr.types import Speed
from edge.zones.plane import F64, Plane
from edge.zones.rules import Point

WINDOW_S: Final = 1.0
LEAST_S: Final = 0.4
LEAST_SIGHTINGS: Final = 6
HUBER: Final = 2.0
"""Sightings that lie farther from the way than so many standard deviations count less."""
ROUNDS: Final = 5
MEDIAN: Final = 1.1774
"""Of the length of a random vector in the plane, in standard deviations of one axis."""
LEAST_PX: Final = 0.1
"""The scatter of a plate's middle is taken for no less: a detector that says the same twice knows it no better."""
DRIFT: Final = 0.06
"""Of a plate's height, by which a detector's middle creeps in a second, one standard deviation: measured on the sample clip."""
STANDS: Final = 2.5
"""A velocity of less than so many standard errors is none: the length of a random vector exceeds it in 4 of 100."""
UNSURE_KMH: Final = 3.0
UNSURE: Final = 0.1
"""A standard error above both together, km/h and a share of the speed, tells nothing worth telling."""
KMH: Final = 3.6


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Where a plate was."""

    scene_ns: int
    utc_s: float
    share: Point  # its middle, of width and height
    height_px: float
    place: F64  # (2,) metres
    metres_per_px: F64  # (2, 2)


@dataclass(slots=True)
class Trail:
    """The last second of one vehicle on one road."""

    plane: Plane | None = None
    seen: deque[Seen] = field(default_factory=deque)

    def see(self, plane: Plane, size: tuple[int, int], at: Point, height_px: float, scene_ns: int, utc_s: float) -> Speed | None:
        """Go on to a plate's middle, px → the speed, where it can be told."""
        if plane is not self.plane:  # another calibration came into force
            self.plane = plane
            self.seen.clear()
        share = (at[0] / size[0], at[1] / size[1])
        if (found := plane.place(share)) is None:
            return None
        place, slopes = found
        self.seen.append(Seen(scene_ns, utc_s, share, height_px, place, slopes / np.array(size)))
        while scene_ns - self.seen[0].scene_ns > WINDOW_S * 1e9:
            self.seen.popleft()
        return measured(self.seen, plane)


def measured(seen: Sequence[Seen], plane: Plane) -> Speed | None:
    """The speed over some sightings; None where they are too few, too short or too scattered to tell it."""
    times_s = np.array([each.scene_ns - seen[0].scene_ns for each in seen]) / 1e9
    if len(seen) < LEAST_SIGHTINGS or times_s[-1] < LEAST_S:
        return None
    per_px = np.array([each.metres_per_px for each in seen])
    velocity, covariance = fitted(times_s, np.array([each.place for each in seen]), per_px)
    m_s = float(np.linalg.norm(velocity))
    along = velocity / max(m_s, 1e-9)
    scatter = float(along @ covariance @ along) ** 0.5
    drift = DRIFT * float(np.mean([each.height_px for each in seen]) * np.linalg.norm(per_px.mean(axis=0).T @ along))
    error = hypot(scatter, drift, m_s * plane.length_error(seen[0].share, seen[-1].share))
    if m_s < STANDS * hypot(scatter, drift):
        m_s = 0.0
    if KMH * error > UNSURE_KMH + UNSURE * KMH * m_s:
        return None
    return Speed(KMH * m_s, KMH * error, float(np.mean([each.utc_s for each in seen])))


def fitted(times_s: F64, places: F64, per_px: F64) -> tuple[F64, F64]:
    """An even way through places (n, 2) at times (n,), with metres per pixel there (n, 2, 2) → its velocity (2,) and the covariance."""
    to_px = np.linalg.inv(per_px)
    design = np.concatenate([to_px, to_px * (times_s - times_s.mean())[:, None, None]], axis=2)  # (n, 2, 4): start and velocity to pixels
    middle = places.mean(axis=0)
    wanted = np.einsum("nij,nj->ni", to_px, places - middle)
    weights = np.ones(len(times_s))
    for _ in range(ROUNDS):
        weighted = design * weights[:, None, None]
        inverse = np.linalg.inv(np.einsum("nik,nil->kl", weighted, design))
        way = inverse @ np.einsum("nik,ni->k", weighted, wanted)
        off_px = np.linalg.norm(wanted - design @ way, axis=1)
        scale_px = max(LEAST_PX, float(np.median(off_px)) / MEDIAN)
        weights = np.minimum(1.0, HUBER * scale_px / np.maximum(off_px, 1e-9))
    freedom = 2 * float(weights.sum()) - 4
    variance = max(LEAST_PX**2, float(weights @ off_px**2) / freedom) * freedom / (freedom - 2)  # Student's, for few sightings
    return way[2:], variance * inverse[2:, 2:]
