"""A random rendered street with plates whose corners are known: hard to tell from plates are its boards, stickers and shop signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from alpr.types import F32, U8
from training.degradation import effects
from training.synth import backdrop, ground, layouts
from training.synth.camera import Camera
from training.synth.cars import build_car
from training.synth.glyphs import Face
from training.synth.ground import Road
from training.synth.houses import houses
from training.synth.light import Light, random_light
from training.synth.motorcycles import build_motorcycle
from training.synth.plates import render_plate
from training.synth.staging import Placed, Sight, cast_shadow, layer_of, light_road, plate_quad, shine
from training.synth.surface import draw
from training.synth.texture import display
from training.synth.trucks import build_truck
from training.synth.vehicle import Pose

Rng = np.random.Generator
VISIBLE = 0.75
"""A plate of which less can be seen is left out of the truth, and listed as hidden."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture with its plates."""

    bgr: U8  # (h, w, 3)
    quads: F32  # (n, 4, 2) clockwise from the plate's top left
    texts: tuple[str, ...]
    hidden: F32  # (k, 4, 2) plates mostly behind something or beyond the picture: neither wanted nor false
    hour: str

    @property
    def boxes(self) -> F32:
        """(n, 4) xyxy around the quads."""
        return np.concatenate([self.quads.min(axis=1), self.quads.max(axis=1)], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """A street without its vehicles."""

    camera: Camera
    road: Road
    light: Light
    picture: F32  # (h, w, 3) linear light


def scenes(rng: Rng, faces: Mapping[str, Face], size: tuple[int, int] = (640, 480), reuse: int = 6) -> Iterator[tuple[U8, F32, F32]]:
    """Pictures, boxes (n, 4) and quads (n, 4, 2) for ever: what the detector's training takes.

    A street and its vehicles are shown `reuse` times, the vehicles elsewhere each time: drawing them anew costs three times as much.
    """
    while True:
        empty, fleet = random_setting(rng, size), []  # type: ignore[var-annotated]
        for _ in range(reuse):
            scene = populated(rng, faces, empty, fleet)
            yield scene.bgr, scene.boxes, scene.quads


def street(rng: Rng, faces: Mapping[str, Face], size: tuple[int, int] = (640, 480)) -> Scene:
    """Draw one random street of (w, h)."""
    return populated(rng, faces, random_setting(rng, size), [])


def random_setting(rng: Rng, size: tuple[int, int]) -> Setting:
    """Draw a street of (w, h) with nobody on it."""
    camera, light = random_camera(rng, size), random_light(rng)
    road = ground.random_road(rng, camera.at[0])
    picture = np.empty((size[1], size[0], 3), np.float32)
    backdrop.draw_sky(rng, picture, camera, light)
    ground.draw_ground(rng, picture, camera, road, light)
    still = houses(rng, road, light, camera.focal_px) + backdrop.trees(rng, road, light, camera.focal_px) + backdrop.posts(rng, road, light)
    if (layer := draw(camera, still, 1)) is not None:
        layer.onto(picture)
    return Setting(camera, road, light, picture)


def populated(rng: Rng, faces: Mapping[str, Face], empty: Setting, fleet: list[Placed]) -> Scene:
    """Put vehicles onto a street and photograph it; vehicles come from the fleet (any number) or are added to it."""
    picture, camera, light = empty.picture.copy(), empty.camera, empty.light
    parked = _vehicles(rng, faces, empty, fleet)
    for placed in parked:
        cast_shadow(picture, camera, placed, light)
        light_road(picture, camera, placed, light)
    quads, texts, hidden = _drawn(picture, camera, parked, light)
    return Scene(photograph(rng, picture, light), quads, texts, hidden, light.hour)


def random_camera(rng: Rng, size: tuple[int, int]) -> Camera:
    """From a phone held low to a camera on a mast, wide to narrow; pitched so that the near road is in view."""
    height = float(np.exp(rng.uniform(np.log(1.0), np.log(6.5))))
    focal = float(size[0] * np.exp(rng.uniform(np.log(0.75), np.log(2.6))))
    aim = rng.uniform(6, 14) * focal / size[0] + 1.2 * height  # where the middle of the picture meets the ground
    pitch = float(np.arctan2(height - 0.9, aim))
    return Camera(size, focal, (0.0, 0.0, height), rng.normal(0, 0.14), pitch, rng.normal(0, 0.025))


def _vehicles(rng: Rng, faces: Mapping[str, Face], empty: Setting, fleet: list[Placed]) -> list[Placed]:
    """Vehicles lane by lane, far ones first."""
    camera, road = empty.camera, empty.road
    lanes = np.linspace(road.left, road.right, len(road.lines) + 2)
    placed: list[Placed] = []
    idle = list(fleet)
    for lane, (left, right) in enumerate(pairwise(lanes)):
        leaving = (left + right) / 2 > (road.left + road.right) / 2 or len(lanes) == 2
        y = rng.uniform(2.5, 9) * camera.focal_px / camera.size[0] + camera.at[2]
        for _ in range(int(rng.integers(0 if lane else 1, 4))):
            turn = float(rng.normal(0, 0.09) if rng.random() < 0.85 else rng.normal(0, 0.4))
            pose = Pose((left + right) / 2 + rng.normal(0, 0.25), float(y), turn)
            vehicle = _reused(rng, idle, "rear" if leaving else "front", pose)
            if vehicle is None:
                vehicle = random_vehicle(rng, faces, leaving, pose, empty.light, camera)
                fleet.append(vehicle)
            placed.append(vehicle)
            y += vehicle.vehicle.length + rng.gamma(2, 3.5) + 1.2
    return sorted(placed, key=lambda p: -p.distance(camera))


def _reused(rng: Rng, idle: list[Placed], end: str, pose: Pose) -> Placed | None:
    """A vehicle of the fleet that shows this end, moved there, and no longer idle; at times None although there is one."""
    fitting = [i for i, placed in enumerate(idle) if placed.vehicle.end == end]
    if not fitting or rng.random() < 0.2:
        return None
    taken = idle.pop(fitting[int(rng.integers(len(fitting)))])
    return Placed(taken.vehicle, pose, taken.text)


def random_vehicle(rng: Rng, faces: Mapping[str, Face], leaving: bool, pose: Pose, light: Light, camera: Camera) -> Placed:
    """A vehicle of any kind with a plate of any country, in as much detail as the camera can see; a few carry no plate."""
    px_per_m = float(np.clip(camera.focal_px / max(pose.y, 3.0) * 1.3, 30, 220))
    end = "rear" if leaving else "front"
    kind = str(rng.choice(["car", "van", "bus", "truck", "motorcycle"], p=[0.56, 0.1, 0.04, 0.12, 0.18]))
    layout = layouts.sample(rng)
    while kind == "motorcycle" and layout.aspect > 1.9:
        layout = layouts.sample(rng)
    line_px = 0.13 * px_per_m * (0.7 if len(layout.lines) == 2 else 1)
    plate = render_plate(rng, faces, layout, line_px=int(np.clip(line_px, 14, 40)))
    picture = None if rng.random() < 0.06 else plate.bgr
    braking = bool(rng.random() < 0.35)
    if kind == "motorcycle":
        vehicle = build_motorcycle(rng, end, picture, light, pose.matrix, px_per_m, braking)
    elif kind == "truck":
        vehicle = build_truck(rng, end, picture, light, pose.matrix, px_per_m, braking)
    else:
        vehicle = build_car(rng, kind, end, picture, light, pose.matrix, px_per_m, braking)
    return Placed(vehicle, pose, plate.text)


def _drawn(picture: F32, camera: Camera, parked: list[Placed], light: Light) -> tuple[F32, tuple[str, ...], F32]:
    """Draw vehicles far to near; returns quads and texts of the plates that can be seen, and the quads of those that cannot."""
    seen: list[tuple[Sight, str]] = []
    for placed in parked:
        layer = layer_of(camera, placed.vehicle, placed.pose)
        if layer is None:
            continue
        for sight, _ in seen:
            sight.cover(layer)
        layer.onto(picture)
        shine(picture, camera, placed, light)
        if (quad := plate_quad(camera, placed.vehicle, placed.pose)) is not None:
            seen.append((Sight.of(quad, camera.size), placed.text))
    shown = [sight.share > VISIBLE for sight, _ in seen]
    quads = [
        np.float32([sight.quad for (sight, _), ok in zip(seen, shown, strict=True) if ok is wanted]).reshape(-1, 4, 2)
        for wanted in (True, False)
    ]
    return quads[0], tuple(text for (_, text), ok in zip(seen, shown, strict=True) if ok), quads[1]


def photograph(rng: Rng, picture: F32, light: Light) -> U8:
    """Linear light → what a camera's file holds: exposure, lens blur, noise, JPEG."""
    level = float(np.percentile(picture[::8, ::8], 70)) + 0.02
    wanted = 0.24 if light.hour == "day" else 0.1 if light.hour == "dusk" else 0.035
    exposure = np.clip(wanted / level, 0.3, 6) * np.exp(rng.normal(0, 0.2))
    bgr = display(picture, float(exposure))
    if rng.random() < 0.7:
        sigma = float(rng.gamma(2, 0.3)) + 0.2
        bgr = effects.gaussian_blur(bgr, sigma, sigma)
    noisy = 1.0 if light.hour == "day" else 2.2
    bgr = effects.sensor_noise(bgr, rng, shot=rng.uniform(0, 4) * noisy, read=rng.uniform(0.3, 2.5) * noisy)
    return effects.jpeg(bgr, int(rng.integers(40, 96)))
