"""What each vehicle does on its camera's ground while it is followed: the zone it is in, for how long, the lines it crosses, how fast it
goes, whether it parks. Fed by the tracker, frame by frame; one thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import hypot
from typing import Final

import numpy as np

from alpr.types import F32, Course, Crossing, Frame, Speed, Track
from edge.zones.ground import Ground, Size
from edge.zones.rules import Line
from edge.zones.speed import Trail

STANDS: Final = 0.75
"""A plate that stays within so many of its heights has not moved: the detector's box trembles."""
CLEAR: Final = 0.5
"""A plate is beyond a line once it is so many of its heights past it; one that stands on the line would else cross it with every tremor."""
MOST_CROSSINGS: Final = 16
"""Kept a vehicle, the latest: one that circles for hours fills no event."""


@dataclass(slots=True)
class _Path:
    """One vehicle's course as it grows."""

    seen_ns: int
    anchor: tuple[float, float]  # where it came to stand, px
    anchor_ns: int
    height_px: float
    zone: str = ""
    within_ns: dict[str, int] = field(default_factory=dict)  # by zone, "" for the whole picture
    sides: dict[Line, tuple[float, float, float]] = field(default_factory=dict)  # signed distance, x, y where it last was clear of a line
    crossings: list[Crossing] = field(default_factory=list)
    parked: bool = False
    trail: Trail = field(default_factory=Trail)
    speed: Speed | None = None

    def course(self) -> Course:
        return Course(self.zone, self.within_ns.get(self.zone, 0) / 1e9, self.parked, tuple(self.crossings), self.speed)


class Courses:
    """All vehicles', by camera and track."""

    def __init__(self, parked_after_s: float = 60.0) -> None:
        """A vehicle that stands for `parked_after_s` is parked; it may be set anew at any time."""
        self.parked_after_s = parked_after_s
        self._paths: dict[tuple[str, int], _Path] = {}

    def follow(self, frame: Frame, track: Track, ground: Ground) -> Course:
        """Go on with a vehicle that this frame shows."""
        size, now_ns = (frame.bgr.shape[1], frame.bgr.shape[0]), frame.scene_ns
        x, y, height_px = _place(track)
        path = self._paths.setdefault((frame.camera, track.id), _Path(now_ns, (x, y), now_ns, height_px))
        self._stay(path, ground.zone(track.box, size), now_ns)
        self._stand(path, x, y, height_px, now_ns)
        for line in ground.lines:
            for direction in _crossed(path, line, size, x, y, height_px):
                crossing = Crossing(line.name, direction, frame.captured_utc_s, now_ns)
                path.crossings = [*path.crossings, crossing][-MOST_CROSSINGS:]
        if ground.plane is not None and _whole(track.box, size):
            path.speed = path.trail.see(ground.plane, size, (x, y), height_px, now_ns, frame.captured_utc_s) or path.speed
        return path.course()

    def leave(self, camera: str, track: int) -> Course:
        """The last of a vehicle that is gone."""
        path = self._paths.pop((camera, track), None)
        return path.course() if path else Course()

    def _stay(self, path: _Path, zone: str, now_ns: int) -> None:
        """Time passes where the vehicle is. It keeps the name of the zone that it left, until it is in another."""
        passed_ns = max(0, now_ns - path.seen_ns)
        path.seen_ns += passed_ns
        for name in {zone, ""}:
            path.within_ns[name] = path.within_ns.get(name, 0) + passed_ns
        path.zone = zone or path.zone

    def _stand(self, path: _Path, x: float, y: float, height_px: float, now_ns: int) -> None:
        """A vehicle that approaches grows about its place: the smaller of both heights tells whether it has moved."""
        if hypot(x - path.anchor[0], y - path.anchor[1]) > STANDS * max(1.0, min(height_px, path.height_px)):
            path.anchor, path.anchor_ns, path.height_px = (x, y), now_ns, height_px
        path.parked = path.parked or now_ns - path.anchor_ns >= self.parked_after_s * 1e9


def _crossed(path: _Path, line: Line, size: Size, x: float, y: float, height_px: float) -> Iterator[str]:
    """The direction in which a vehicle that is now at (x, y) has gone through a line since it was last clear of it, if it has."""
    (ax, ay), (bx, by) = ((share_x * size[0], share_y * size[1]) for share_x, share_y in (line.start, line.end))
    length = hypot(bx - ax, by - ay)
    now = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / length  # above 0: to the right of start → end, for y grows downwards
    if abs(now) < CLEAR * height_px:
        return
    before, x0, y0 = path.sides.get(line, (now, x, y))
    path.sides[line] = (now, x, y)
    if before * now > 0:
        return
    share = before / (before - now)  # of the way from the last clear place to this one, where it meets the line
    along = ((x0 + share * (x - x0) - ax) * (bx - ax) + (y0 + share * (y - y0) - ay) * (by - ay)) / length**2
    if 0 <= along <= 1:
        yield "in" if now > 0 else "out"


def _whole(box: F32, size: Size) -> bool:
    """Whether a box (4,) lies inside the picture: the middle of what the edge cuts off is not the plate's."""
    return bool((box[:2] >= 1).all() and (box[2:] <= np.subtract(size, 1)).all())


def _place(track: Track) -> tuple[float, float, float]:
    """Middle and height of a plate's box, px."""
    x1, y1, x2, y2 = track.box.tolist()
    return (x1 + x2) / 2, (y1 + y2) / 2, y2 - y1
