"""The plate meter: what the vehicles of the last minutes say about how a camera is aimed. Each counts once, by its largest view."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import atan2, degrees, hypot, pi
from typing import Final

import numpy as np

from alpr.types import F32, U8, Frame, Track
from edge.web.measure import Measured, measure, surroundings

MINUTES: Final = 10
MOST_VEHICLES: Final = 60
"""Kept a camera, with a picture of some tens of kilobytes each."""
SURE: Final = 0.5
HITS: Final = 3
"""A track is a plate from here on, and its speed is known."""
LARGER: Final = 1.1
BORDER_PX: Final = 2
"""A box that comes so close to the picture's edge may be cut by it."""
MOVED: Final = 1.0
"""A vehicle that came so many plate heights is no sign, and not parked."""
MOVING: Final = 3
"""From so many moving vehicles on, those that stand are left out: they may be signs, and no motion blurs them."""


@dataclass(slots=True)
class View:
    """The largest view of a vehicle's plate."""

    at_s: float
    bgr: U8
    box: F32  # (4,) in it
    area: float
    velocity_px_s: tuple[float, float]
    moved: bool
    measured: Measured | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Medians over vehicles; see `Measured`."""

    vehicles: int
    height_px: float
    line_px: float
    lines: int
    smallest_px: float  # the tenth part of the plates is no higher than this …
    largest_px: float  # … and another tenth no lower than this
    slant_deg: float
    leans: float  # slant without its sign: lanes may slant either way
    lean_deg: float
    blur_px: float
    blur_deg: float
    across_px: float
    speed_px_s: float
    heading_deg: float  # of their motion, 0 up to 180
    bright: float
    contrast: float


class Meters:
    """All cameras'. Noted by the detecting thread, read by the page's."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._views: dict[str, OrderedDict[int, View]] = {}
        self._lock = threading.Lock()

    def note(self, frame: Frame, tracks: Sequence[Track]) -> None:
        """Keep what is larger than before: some microseconds, seldom a copy of a few thousand pixels."""
        views = self._views.setdefault(frame.camera, OrderedDict())
        for track in tracks:
            if track.hits < HITS or track.score < SURE or _cut(track.box, frame.bgr):
                continue
            area, known = _area(track.box), views.get(track.id)
            if known is not None and area < LARGER * known.area:
                continue
            bgr, box = surroundings(frame.bgr, track.box)
            moved = track.travelled_px >= MOVED * float(track.box[3] - track.box[1])
            with self._lock:
                views[track.id] = View(self._now_s(), bgr, box, area, track.velocity_px_s, moved)
                views.move_to_end(track.id)
                while len(views) > MOST_VEHICLES:
                    views.popitem(last=False)

    def reading(self, camera: str) -> Reading | None:
        """None where no plate was seen. Takes some ten milliseconds for each vehicle that is new."""
        with self._lock:
            since_s = self._now_s() - 60 * MINUTES
            views = [view for view in self._views.get(camera, {}).values() if view.at_s >= since_s]
        moving = [view for view in views if view.moved]
        chosen = moving if len(moving) >= MOVING else views
        return _reading(chosen) if chosen else None


def _reading(views: Sequence[View]) -> Reading:
    for view in views:
        view.measured = view.measured or measure(view.bgr, view.box)
    found = [view.measured for view in views if view.measured is not None]

    def median(values: Sequence[float]) -> float:
        return float(np.median(values))

    heights = [each.height_px for each in found]
    speeds = [hypot(*view.velocity_px_s) for view in views]
    headings = [degrees(atan2(*reversed(view.velocity_px_s))) for view in views]
    return Reading(
        vehicles=len(found),
        height_px=median(heights),
        line_px=median([each.line_px for each in found]),
        lines=round(median([each.lines for each in found])),
        smallest_px=float(np.percentile(heights, 10)),
        largest_px=float(np.percentile(heights, 90)),
        slant_deg=median([each.slant_deg for each in found]),
        leans=median([abs(each.slant_deg) for each in found]),
        lean_deg=median([abs(each.lean_deg) for each in found]),
        blur_px=median([each.blur_px for each in found]),
        blur_deg=axis_deg([each.blur_deg for each in found], [each.blur_px for each in found]),
        across_px=median([each.across_px for each in found]),
        speed_px_s=median(speeds),
        heading_deg=axis_deg(headings, speeds),
        bright=median([each.bright for each in found]),
        contrast=median([each.contrast for each in found]),
    )


def axis_deg(angles_deg: Sequence[float], weights: Sequence[float]) -> float:
    """The mean of directions that have no sign, 0 up to 180: 175 and 5 make 0, not 90."""
    doubled = np.exp(2j * np.radians(angles_deg)) * weights
    return float(np.angle(doubled.sum()) / 2 % pi * 180 / pi)


def _area(box: F32) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def _cut(box: F32, bgr: U8) -> bool:
    return bool((box[:2] < BORDER_PX).any() or (box[2:] > np.array(bgr.shape[1::-1]) - BORDER_PX).any())
