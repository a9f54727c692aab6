"""Zones and lines as config.yaml has them: points are shares of a picture's width and height, 0 0 the top left, 1 1 the bottom right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Final, Literal

from pydantic import Field

Point = tuple[float, float]
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}")
LEAST_AREA: Final = 1e-5
"""Of the picture: about three pixels by three of a 1280x720 one. Less is a slip of the hand, and holds no plate."""


class ZoneError(ValueError):
    """A zone or a line that cannot be; the message names the setting and says what was expected."""


@dataclass(frozen=True, slots=True)
class Zone:
    """Ground in a camera's picture. Where a camera has read zones, plates are read in these alone; what stands in an ignore zone is not
    there. Raises ZoneError."""

    camera: str
    name: str
    kind: Literal["read", "ignore"]
    polygon: tuple[Point, ...]

    def __post_init__(self) -> None:
        _check_name(self.name)
        check_polygon(self.polygon)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that vehicles cross: "in" towards the right hand of whoever walks it from start to end, else "out". Raises ZoneError."""

    camera: str
    name: str
    start: Annotated[Point, Field(alias="from")]
    end: Annotated[Point, Field(alias="to")]

    def __post_init__(self) -> None:
        _check_name(self.name)
        for name, point in (("from", self.start), ("to", self.end)):
            if not all(0 <= side <= 1 for side in point):
                raise ZoneError(f"{name} is {list(point)}, expected shares of width and height, 0 to 1")
        if max(abs(a - b) for a, b in zip(self.start, self.end, strict=True)) < LEAST_AREA:
            raise ZoneError(f"to is {list(self.end)}, as is from: expected another point")


def check_polygon(polygon: tuple[Point, ...]) -> None:
    """Raises ZoneError for one that encloses nothing, or lies outside the picture."""
    if len(polygon) < 3:
        raise ZoneError(f"polygon is {listed(polygon)}, expected at least three corners [x, y]")
    if not all(0 <= side <= 1 for side in chain.from_iterable(polygon)):
        raise ZoneError(f"polygon is {listed(polygon)}, expected shares of width and height, 0 to 1")
    if area(polygon) < LEAST_AREA:
        raise ZoneError(f"polygon is {listed(polygon)}, which encloses nothing: expected corners around some ground")


def area(polygon: tuple[Point, ...]) -> float:
    """The share of the picture that a polygon encloses."""
    following = (*polygon[1:], polygon[0])
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(polygon, following, strict=True))) / 2


def listed(polygon: tuple[Point, ...]) -> list[list[float]]:
    return [list(corner) for corner in polygon]


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise ZoneError(f"name is {name!r}, expected at most 63 letters, digits, ' ', '.', '_' and '-'")
