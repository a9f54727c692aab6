"""The sample clip's place: a street with a side street, one camera over its kerb, by day and at dusk."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from alpr.types import F32
from training.synth import backdrop, ground
from training.synth.brush import Brush
from training.synth.camera import Camera
from training.synth.cast import CUT_S
from training.synth.film import Occluder, Shot, lens
from training.synth.ground import Road, SideStreet
from training.synth.houses import houses
from training.synth.light import Light, shade
from training.synth.light import day as day_light
from training.synth.light import dusk as dusk_light
from training.synth.surface import Surface, Texture, draw
from training.synth.texture import display

CAMERA = Camera((1280, 720), 2250.0, (0.0, 0.0, 3.0), np.deg2rad(-6.5), np.deg2rad(7.8), np.deg2rad(0.4))
SIDE_STREETS = SideStreet(-1, 11.0, 19.0), SideStreet(-1, 41.0, 49.0), SideStreet(1, 43.0, 51.0)
ROAD = Road(-6.3, -0.25, (-3.25,), 3.4, 0.36, "paving", SIDE_STREETS)
BEGINS = datetime(2025, 6, 14, 16, 42, 7), datetime(2025, 6, 14, 18, 31, 40)


def day(seed: int) -> Shot:
    """Afternoon, the sun high on the right behind the camera."""
    light = day_light(np.random.default_rng(seed), sunny=0.95)
    to_sun = np.float32([0.58, -0.38, 0.72])
    light = Light("day", to_sun / np.linalg.norm(to_sun), light.sun, light.zenith, light.horizon, light.ground, 0.0, 0.0, 0.0)
    return _shot(seed, light, exposure=0.74, shutter_s=1 / 500, grain=1.1, bloom=0.0)


def dusk(seed: int) -> Shot:
    """After sunset, lamps lit."""
    light = dusk_light(np.random.default_rng(seed))
    return _shot(seed, light, exposure=2.3, shutter_s=1 / 160, grain=2.0, bloom=0.6)


def clock(time_s: float, half: int) -> str:
    """What the camera's clock says at a time of the clip."""
    return (BEGINS[half] + timedelta(seconds=time_s - (CUT_S if half else 0))).strftime("%Y-%m-%d  %H:%M:%S")


def _shot(seed: int, light: Light, exposure: float, shutter_s: float, grain: float, bloom: float) -> Shot:
    picture, occluders = _street(seed, light)
    return Shot(CAMERA, light, picture, occluders, lens(display(picture, exposure)), exposure, shutter_s, grain, bloom)


def _street(seed: int, light: Light) -> tuple[F32, tuple[Occluder, ...]]:
    """The street without vehicles, and what of it stands before some; the same place under any light."""
    rng = np.random.default_rng((seed, 5))
    picture = np.empty((CAMERA.size[1], CAMERA.size[0], 3), np.float32)
    backdrop.draw_sky(rng, picture, CAMERA, light)
    ground.draw_ground(rng, picture, CAMERA, ROAD, light)
    still = houses(rng, ROAD, light, CAMERA.focal_px)
    still += backdrop.trees(rng, ROAD, light, CAMERA.focal_px, near=20)
    still += backdrop.posts(rng, ROAD, light)
    still += _sign(light)
    occluders = [Occluder(_farthest(surface), layer) for surface in still if (layer := draw(CAMERA, [surface])) is not None]
    for occluder in sorted(occluders, key=lambda occluder: -occluder.distance):
        occluder.layer.onto(picture)
    return picture, tuple(occluder for occluder in occluders if occluder.distance < 60)


def _farthest(surface: Surface) -> float:
    """The distance of a surface's farthest point: a long front must not hide what drives along it."""
    return float(np.hypot(surface.points[..., 0] - CAMERA.at[0], surface.points[..., 1] - CAMERA.at[1]).max())


def _sign(light: Light) -> list[Surface]:
    """A sign with words and numbers beside the road, which is no plate and stays."""
    brush = Brush.blank(1.5, 0.8, 220, (232, 232, 232), 30)
    brush.rect(-0.72, 0.03, 0.72, 0.77, (150, 85, 20), 30)
    rng = np.random.default_rng(0)
    brush.write(rng, "CITY CENTRE", 0, 0.55, 0.15, (235, 235, 235), 0.85)
    brush.write(rng, "NH 14  250 M", 0, 0.22, 0.13, (235, 235, 235), 0.85)
    base, gloss, _ = brush.materials()
    board = Texture(shade(base, np.float32([[[0, -1, 0]]]), gloss, light))
    x, y = -7.4, 24.0
    pole = Texture((np.full((8, 8, 3), 0.15, np.float32) * (light.zenith + light.horizon)).astype(np.float32))
    return [backdrop.billboard(x, y, 0.09, 2.3, pole), backdrop.billboard(x, y - 0.3, 1.5, 0.8, board, 2.1)]
