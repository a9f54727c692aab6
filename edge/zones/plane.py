"""The plane of a road under a picture: every point of the picture as a place in metres, and how sure the lengths between them are.

Homographies, as in Hartley and Zisserman, "Multiple View Geometry in Computer Vision", 2004.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from alpr.types import F32
from edge.zones.rules import Point

F64 = NDArray[np.float64]

BEYOND: Final = 0.2
"""How far outside its points the road is still known, in roots of the area that they enclose."""


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Shares of a picture's width and height → metres."""

    metres: F64  # (3, 3) homography
    slips: F64  # (2 n, 3, 3) the same, with one coordinate of one of its n points off by a standard error
    outline_m: F32  # (k, 2) around the points
    height_error: float  # relative standard error of all lengths, because plates hang higher and lower

    @property
    def reach_m(self) -> float:
        return BEYOND * sqrt(cv2.contourArea(self.outline_m))

    def place(self, share: Point) -> tuple[F64, F64] | None:
        """A point of the picture → its place (2,), and metres by shares (2, 2) around it; None too far beyond the points."""
        if depth(self.metres, share) <= 0:  # above the horizon
            return None
        place = mapped(self.metres, share)
        if cv2.pointPolygonTest(self.outline_m, (float(place[0]), float(place[1])), True) < -self.reach_m:
            return None
        return place, slopes(self.metres, share)

    def length_error(self, start: Point, end: Point) -> float:
        """The relative standard error of the way from one point of the picture to another."""
        by = np.concatenate([self.metres[None], self.slips])
        places = by @ np.array([[*start, 1.0], [*end, 1.0]]).T  # (1 + 2 n, 3, 2)
        ways = places[:, :2, 1] / places[:, 2:, 1] - places[:, :2, 0] / places[:, 2:, 0]
        length, *slipped = np.hypot(*ways.T).tolist()
        return hypot(self.height_error, *(other / max(length, 1e-9) - 1 for other in slipped))


def homography(picture: F64, metres: F64) -> F64 | None:
    """The one that maps points (n, 2) to places (n, 2), its depth above 0 in the middle of them; None where there is none.

    Of more than four, the squares of what they are off in the picture are least: that is where they were marked.
    """
    to_picture: Any = cv2.findHomography(metres, picture)[0]
    if to_picture is None or abs(np.linalg.det(to_picture)) < 1e-12:
        return None
    found = np.asarray(np.linalg.inv(to_picture), np.float64)
    x, y = picture.mean(axis=0).tolist()
    return found if depth(found, (x, y)) > 0 else -found


def mapped(by: F64, point: Point) -> F64:
    """A point under a homography."""
    flat: F64 = by[:2] @ np.array([*point, 1.0])
    return flat / depth(by, point)


def depth(by: F64, point: Point) -> float:
    """How far before the line that a homography sends to infinity a point lies, in units of its own; below 0 behind it."""
    return float(by[2] @ np.array([*point, 1.0]))


def slopes(by: F64, point: Point) -> F64:
    """The derivative (2, 2) of a homography at a point."""
    turned: F64 = (by[:2, :2] - np.outer(mapped(by, point), by[2, :2])) / depth(by, point)
    return turned


def outline(places: F64) -> F32:
    """The corners (k, 2) of the convex hull."""
    return np.asarray(cv2.convexHull(places.astype(np.float32))[:, 0], np.float32)
