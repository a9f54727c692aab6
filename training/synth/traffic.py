"""Rides: where a vehicle's seen end is at any time, smooth in the ground plane, from a path and a course of speeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alpr.types import F32
from training.synth.vehicle import Pose

STEP_S = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Ride:
    """A vehicle's way: times, places and headings (0 is along +y, clockwise), finely sampled."""

    time_s: F32
    x: F32
    y: F32
    heading_rad: F32
    speed: F32  # m/s

    def at(self, time_s: float, end: str) -> Pose | None:
        """Pose at a time for a vehicle that shows this end; None before the ride begins and after it ends."""
        if not self.time_s[0] <= time_s <= self.time_s[-1]:
            return None
        x, y, heading = (float(np.interp(time_s, self.time_s, values)) for values in (self.x, self.y, self.heading_rad))
        return Pose(x, y, heading if end == "rear" else heading - np.pi)

    def braking(self, time_s: float) -> bool:
        """Whether it slows down, or stands."""
        now, later = (float(np.interp(time_s + ahead, self.time_s, self.speed)) for ahead in (0.0, 0.1))
        return later < now - 0.05 or now < 0.1


def drive(corners: Sequence[tuple[float, float]], speeds: Sequence[tuple[float, float]], start_s: float, radius: float = 6.0) -> Ride:
    """Drive along a line of corners (x, y) rounded by `radius`, to its end; speed is linear between (seconds from the start, m/s)."""
    line = _rounded(np.array(corners, np.float64), radius)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    time = np.arange(0, speeds[-1][0], STEP_S)
    speed = np.interp(time, *zip(*speeds, strict=True))
    way = np.cumsum(speed) * STEP_S
    time, speed, way = time[way < along[-1]], speed[way < along[-1]], way[way < along[-1]]
    x, y = np.interp(way, along, line[:, 0]), np.interp(way, along, line[:, 1])
    ahead, behind = np.minimum(way + 1.0, along[-1]), np.maximum(way - 1.0, 0)
    dx, dy = (np.interp(ahead, along, line[:, i]) - np.interp(behind, along, line[:, i]) for i in (0, 1))
    heading = np.unwrap(np.arctan2(dx, dy))
    return Ride(*(values.astype(np.float32) for values in (time + start_s, x, y, heading, speed)))


def parked(x: float, y: float, turn_rad: float, until_s: float) -> Ride:
    """A vehicle that stands, its rear towards -y."""
    time = np.array([0, until_s], np.float32)
    return Ride(time, np.full(2, x, np.float32), np.full(2, y, np.float32), np.full(2, turn_rad, np.float32), np.zeros(2, np.float32))


def _rounded(corners: np.ndarray, radius: float) -> np.ndarray:
    """Corners rounded by quadratic curves that begin `radius` before them."""
    points = [corners[0]]
    for before, corner, after in zip(corners[:-2], corners[1:-1], corners[2:], strict=True):
        start = corner + (before - corner) * min(0.5, radius / np.linalg.norm(before - corner))
        end = corner + (after - corner) * min(0.5, radius / np.linalg.norm(after - corner))
        points += [(1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end for t in np.linspace(0, 1, 25)]
    return np.array([*points, corners[-1]])
