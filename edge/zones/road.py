"""A camera's road as config.yaml has it: points of it in the picture, with their places in metres.

The road is taken for a plane, level or not, and the lens for one that shows straight lines straight. A plate hangs above the road: the ray
through it meets the road beyond it, H / (H - h) times as far from the camera's foot, with the lens H above the road and the plate h. So a
length on the road is (H - h) / H of it at the plates' height.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from pydantic import Field

from edge.zones.plane import F64, Plane, depth, homography, mapped, outline, slopes
from edge.zones.rules import Point, ZoneError

PLATES_SD_M: Final = 0.2
"""How far plates hang from `plate_height_m`, one standard deviation: from 0.3 m on sports cars to 1 m on lorries. Judgement."""
MARKED_SD: Final = 0.0015
"""How well a point is marked, in shares of the picture, one standard deviation: 2 pixels of 1280. Judgement."""
MOST_SLIP: Final = 0.2
"""What such slips may do to lengths amid the points: where they do more, the points say nothing of speeds."""
AGREE: Final = 0.02
"""Of the picture: five points or more may each lie so far from where all of them together put it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of the road: where the picture has it, in shares of its width and height, and where it lies. Raises ZoneError."""

    picture: Point
    road_m: Point

    def __post_init__(self) -> None:
        if not all(0 <= side <= 1 for side in self.picture):
            raise ZoneError(f"picture is {list(self.picture)}, expected shares of width and height, 0 to 1")


@dataclass(frozen=True, slots=True)
class Road:
    """A camera's. Raises ZoneError; whether its points fix a plane, `plane_of` says."""

    camera: str
    points: tuple[Mark, ...]
    camera_height_m: Annotated[float, Field(gt=0, le=200)] | None = None  # None: the points themselves lie as high as plates do
    plate_height_m: Annotated[float, Field(ge=0, le=5)] = 0.6

    def __post_init__(self) -> None:
        if self.camera_height_m is not None and self.camera_height_m <= self.plate_height_m:
            raise ZoneError(f"camera_height_m is {self.camera_height_m:g}, expected more than plate_height_m, {self.plate_height_m:g}")


def plane_of(road: Road) -> Plane:
    """The plane on which plates are, as high as they hang; its places start amid the points.

    Raises ZoneError for points that fix none, or that no camera can see so.
    """
    picture = np.array([mark.picture for mark in road.points], np.float64).reshape(-1, 2)
    metres = np.array([mark.road_m for mark in road.points], np.float64).reshape(-1, 2)
    _check_spread(picture, metres)
    share, error = _raised(road)
    metres = share * (metres - metres.mean(axis=0))
    found = _fixed(picture, metres)
    _check_agreement(found, picture, metres)
    plane = Plane(found, np.stack([_fixed(slipped, metres) for slipped in _slipped(picture)]), outline(metres), error)
    _check_certainty(plane, picture)
    return plane


def _raised(road: Road) -> tuple[float, float]:
    """What a length on the road is at the plates' height, and how unsure that is, both relative."""
    if road.camera_height_m is None:
        return 1.0, 0.0
    below_m = road.camera_height_m - road.plate_height_m
    return below_m / road.camera_height_m, PLATES_SD_M / below_m


def _fixed(picture: F64, metres: F64) -> F64:
    if (found := homography(picture, metres)) is None:
        raise ZoneError("points has places that fix no plane, expected the corners of a quadrilateral on the road")
    return found


def _slipped(picture: F64) -> Iterator[F64]:
    """The points (n, 2), each time with another coordinate off by its standard error."""
    for one in np.eye(picture.size):
        yield picture + MARKED_SD * one.reshape(picture.shape)


def _check_spread(picture: F64, metres: F64) -> None:
    if len(picture) < 4:
        raise ZoneError(f"points has {len(picture)}, expected four or more around the road")
    for name, places in (("picture", picture), ("road_m", metres)):
        if len(outline(places)) < 4:
            raise ZoneError(f"points has {name} {places.tolist()}, expected four or more of them to be corners of what they enclose")


def _check_agreement(found: F64, picture: F64, metres: F64) -> None:
    """That a camera can see the points so, from above, and that more than four of them say the same."""
    middle = tuple(picture.mean(axis=0).tolist())
    seen = min(depth(found, (x, y)) for x, y in picture.tolist()) > 0
    if not seen or np.linalg.det(slopes(found, middle)) > 0:  # as on a map: with x to the right, y grows ahead, and down in the picture
        raise ZoneError(
            "points has places that no camera sees so, expected each road_m beside its own picture, x to the right where y is ahead"
        )
    back = np.asarray(np.linalg.inv(found), np.float64)
    off = max(float(np.linalg.norm(mapped(back, (x, y)) - at)) for (x, y), at in zip(metres.tolist(), picture, strict=True))
    if off > AGREE:
        told = f"points has places up to {off:.2f} of the picture from where all of them together put them"
        raise ZoneError(f"{told}, expected at most {AGREE:g} (one may be wrong)")


def _check_certainty(plane: Plane, picture: F64) -> None:
    """That points marked a little differently would tell nearly the same lengths amid them."""
    x, y = picture.mean(axis=0).tolist()
    back = np.linalg.inv(slopes(plane.metres, (x, y)))
    slip = float(np.linalg.norm([np.linalg.norm(slopes(slipped, (x, y)) @ back - np.eye(2), 2) for slipped in plane.slips]))
    if not slip <= MOST_SLIP:
        told = f"points has corners so close, or so nearly in line, that slips of {MARKED_SD:g} of the picture change lengths by {slip:.0%}"
        raise ZoneError(f"{told}, expected at most {MOST_SLIP:.0%}")
