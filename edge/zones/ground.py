"""The zones, lines and road of a camera, put to its detections and tracks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np

from alpr.types import F32, Detections
from edge.zones.plane import Plane
from edge.zones.road import Road, plane_of
from edge.zones.rules import Line, Zone

Size = tuple[int, int]
"""Width and height of a picture."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One camera's. A plate stands where its box has its middle."""

    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    plane: Plane | None = None  # of the road, where the config has its places

    def kept(self, found: Detections, size: Size) -> Detections:
        """The detections that stand in no ignore zone: nothing of the others is followed, read or told."""
        ignored = [_corners(zone) for zone in self.zones if zone.kind == "ignore"]
        if not ignored or not len(found):
            return found
        outside = [not any(_holds(corners, place) for corners in ignored) for place in places(found.boxes, size)]
        return found.select(np.array(outside))

    def reads(self, box: F32, size: Size) -> bool:
        """Whether a plate with this box (4,) is to be read: in a read zone, or anywhere where there is none."""
        return not self.limited or self.zone(box, size) != ""

    def zone(self, box: F32, size: Size) -> str:
        """The name of the first read zone that holds a box (4,), "" for none."""
        place = places(box[None], size)[0]
        return next((zone.name for zone in self.zones if zone.kind == "read" and _holds(_corners(zone), place)), "")

    @property
    def limited(self) -> bool:
        return any(zone.kind == "read" for zone in self.zones)


@dataclass(frozen=True, slots=True)
class Grounds:
    """All cameras'."""

    of_camera: dict[str, Ground] = field(default_factory=dict)

    @staticmethod
    def of(zones: Iterable[Zone], lines: Iterable[Line], roads: Iterable[Road] = ()) -> Grounds:
        zones, lines, planes = tuple(zones), tuple(lines), {road.camera: plane_of(road) for road in roads}
        cameras = {zone.camera for zone in zones} | {line.camera for line in lines} | set(planes)

        def ground(camera: str) -> Ground:
            own = tuple(zone for zone in zones if zone.camera == camera), tuple(line for line in lines if line.camera == camera)
            return Ground(*own, planes.get(camera))

        return Grounds({camera: ground(camera) for camera in cameras})

    def __getitem__(self, camera: str) -> Ground:
        return self.of_camera.get(camera, EVERYWHERE)


EVERYWHERE = Ground()


def places(boxes: F32, size: Size) -> F32:
    """The middles of boxes (n, 4) as shares of the picture (n, 2)."""
    middles: F32 = (boxes[:, :2] + boxes[:, 2:]) / (2 * np.array(size, np.float32))
    return middles


def _corners(zone: Zone) -> F32:
    return np.array(zone.polygon, np.float32)


def _holds(corners: F32, place: F32) -> bool:
    """Edges belong to the zone."""
    return cv2.pointPolygonTest(corners, (float(place[0]), float(place[1])), False) >= 0
