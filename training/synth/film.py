"""Moving pictures of a street: one fixed camera, vehicles that ride through, and what can be seen of their plates in every frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from alpr.types import F32, U8
from training.synth.camera import Camera
from training.synth.light import Light
from training.synth.staging import Placed, Sight, average, cast_shadow, layer_of, light_road, plate_quad, shine
from training.synth.surface import Layer
from training.synth.texture import display
from training.synth.traffic import Ride
from training.synth.vehicle import Pose, Vehicle

Rng = np.random.Generator
MOST_SHUTTERS = 5
STRIP_PX, STRIP_MARGIN_PX = 80, 12


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A vehicle with its ride; `braking` is the same vehicle with its brake lamps lit."""

    name: str
    vehicle: Vehicle
    braking: Vehicle
    ride: Ride
    text: str

    def at(self, time_s: float) -> Placed | None:
        """The vehicle as it stands on the road at a time."""
        pose = self.ride.at(time_s, self.vehicle.end)
        if pose is None:
            return None
        return Placed(self.braking if self.ride.braking(time_s) else self.vehicle, pose, self.text)


@dataclass(frozen=True, slots=True, eq=False)
class Occluder:
    """A part of the street that hides what is farther away."""

    distance: float
    layer: Layer

    def meets(self, layer: Layer) -> bool:
        """Whether both have a pixel in common."""
        mine, rows, columns = self.layer, self.layer.alpha.shape, layer.alpha.shape
        across = mine.x < layer.x + columns[1] and layer.x < mine.x + rows[1]
        return across and mine.y < layer.y + columns[0] and layer.y < mine.y + rows[0]


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A camera's settings for a part of the film, and the street without vehicles."""

    camera: Camera
    light: Light
    empty: F32  # (h, w, 3) linear light
    occluders: tuple[Occluder, ...]
    still: U8  # (h, w, 3) `empty` as the lens and the sensor show it
    exposure: float
    shutter_s: float
    grain: float  # noise's standard deviation on 0..255
    bloom: float


@dataclass(frozen=True, slots=True, eq=False)
class Visible:
    """A plate in a frame."""

    name: str
    quad: F32  # (4, 2)
    share: float  # of it that can be seen, 0..1


def shoot(shot: Shot, actors: Sequence[Actor], time_s: float) -> tuple[U8, list[Visible]]:
    """One frame without noise, and the plates in it."""
    picture = shot.empty.copy()
    cast = [(actor, placed) for actor in actors if (placed := actor.at(time_s)) is not None]
    for _, placed in cast:
        cast_shadow(picture, shot.camera, placed, shot.light)
        light_road(picture, shot.camera, placed, shot.light)
    drawn: list[Layer] = []
    seen: list[tuple[str, Sight]] = []
    for distance, thing in _far_to_near(shot, cast):
        if isinstance(thing, Occluder):
            if any(thing.meets(layer) for layer in drawn):  # and then what stands before it comes again, too
                _cover(picture, seen, thing.layer)
                drawn.append(thing.layer)
            continue
        actor, placed = thing
        layer = exposed(shot, actor, placed, time_s)
        if layer is None:
            continue
        _cover(picture, seen, layer)
        drawn.append(layer)
        shine(picture, shot.camera, placed, shot.light, shot.bloom)
        if (quad := plate_quad(shot.camera, placed.vehicle, placed.pose)) is not None and distance > 1:
            seen.append((actor.name, Sight.of(quad, shot.camera.size)))
    return developed(shot, picture), [Visible(name, sight.quad, sight.share) for name, sight in seen]


def developed(shot: Shot, picture: F32) -> U8:
    """Linear light → the frame: only where it differs from the empty street, in strips of 80 rows, the rest is known."""
    out = shot.still.copy()
    changed = (picture[::4, ::4] != shot.empty[::4, ::4]).any(axis=2)
    for top in range(0, out.shape[0], STRIP_PX):
        columns = np.flatnonzero(changed[top // 4 : (top + STRIP_PX) // 4].any(axis=0))
        if len(columns):
            rows = slice(top, top + STRIP_PX)
            x1, x2 = max(0, 4 * int(columns[0]) - STRIP_MARGIN_PX), min(out.shape[1], 4 * int(columns[-1]) + 4 + STRIP_MARGIN_PX)
            y1, y2 = max(0, top - STRIP_MARGIN_PX), min(out.shape[0], top + STRIP_PX + STRIP_MARGIN_PX)
            part = lens(display(picture[y1:y2, x1:x2], shot.exposure))
            out[rows, x1:x2] = part[top - y1 : top - y1 + STRIP_PX]
    return out


def lens(bgr: U8) -> U8:
    """A cheap lens and its camera's sharpening."""
    soft = cv2.GaussianBlur(bgr, (0, 0), 0.55)
    return cv2.addWeighted(soft, 1.35, cv2.GaussianBlur(soft, (0, 0), 1.6), -0.35, 0)  # type: ignore[return-value]


def _far_to_near(shot: Shot, cast: Sequence[tuple[Actor, Placed]]) -> list[tuple[float, Occluder | tuple[Actor, Placed]]]:
    """Vehicles, and what of the street stands before any of them."""
    things: list[tuple[float, Occluder | tuple[Actor, Placed]]] = [
        (placed.distance(shot.camera), (actor, placed)) for actor, placed in cast
    ]
    farthest = max((distance for distance, _ in things), default=0.0)
    things += [(occluder.distance, occluder) for occluder in shot.occluders if occluder.distance < farthest]
    return sorted(things, key=lambda thing: -thing[0])


def _cover(picture: F32, seen: Sequence[tuple[str, Sight]], layer: Layer) -> None:
    for _, sight in seen:
        sight.cover(layer)
    layer.onto(picture)


def exposed(shot: Shot, actor: Actor, placed: Placed, time_s: float) -> Layer | None:
    """A vehicle as the open shutter sees it: the mean of as many moments as it moves pixels, centred on the frame's time."""
    first, last = (actor.ride.at(time_s + side * shot.shutter_s / 2, placed.vehicle.end) for side in (-1, 1))
    moments = 1 if first is None or last is None else _moments(shot.camera, placed.vehicle, first, last)
    times = time_s + shot.shutter_s * ((np.arange(moments) + 0.5) / moments - 0.5)
    poses = [pose for time in times if (pose := actor.ride.at(float(time), placed.vehicle.end)) is not None]
    layers = [layer for pose in poses if (layer := layer_of(shot.camera, placed.vehicle, pose)) is not None]
    return average(layers) if layers else None


def _moments(camera: Camera, vehicle: Vehicle, first: Pose, last: Pose) -> int:
    ends = np.float32([[0, 0, 0.6]])
    moved = np.linalg.norm(camera.project(first.placed(ends))[0] - camera.project(last.placed(ends))[0])
    return int(np.clip(np.ceil(moved / 1.3), 1, MOST_SHUTTERS))


@dataclass(frozen=True, slots=True, eq=False)
class Grain:
    """Sensor noise, cut from one larger field at a new place for every frame."""

    field: NDArray[np.int16]  # (h + 256, w + 256, 3)

    @staticmethod
    def of(rng: Rng, size: tuple[int, int], deviation: float) -> Grain:
        """Mostly the same in all three channels, a little colour in it."""
        gray = rng.standard_normal((size[1] + 256, size[0] + 256, 1), np.float32)
        tints = rng.standard_normal((size[1] + 256, size[0] + 256, 3), np.float32)
        return Grain(np.round((0.85 * gray + 0.5 * tints) * np.float32(deviation)).astype(np.int16))

    def onto(self, rng: Rng, bgr: U8) -> U8:
        """Noise added to a frame."""
        y, x = rng.integers(0, 256, 2)
        return cv2.add(bgr, self.field[y : y + bgr.shape[0], x : x + bgr.shape[1]], dtype=cv2.CV_8U)  # type: ignore[return-value]


def stamp(bgr: U8, text: str, name: str) -> None:
    """Burn time and the camera's name into the top left, as cameras do, in place."""
    for line, at in ((text, (24, 40)), (name, (24, 70))):
        cv2.putText(bgr, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.75, (0, 0, 0), 4, cv2.LINE_AA)
        cv2.putText(bgr, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.75, (245, 245, 245), 1, cv2.LINE_AA)
