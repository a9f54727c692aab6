"""Rendered streets: the quads are where the plates are, what hides them is known, and the same seed gives the same picture."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from training.synth import glyphs, light, street
from training.synth.camera import Camera
from training.synth.cars import build_car
from training.synth.film import Actor, Shot, exposed, lens, shoot
from training.synth.glyphs import Face
from training.synth.motorcycles import build_motorcycle
from training.synth.staging import layer_of
from training.synth.street import Scene
from training.synth.surface import draw
from training.synth.texture import display
from training.synth.traffic import drive, parked
from training.synth.trucks import build_truck
from training.synth.vehicle import Pose, Vehicle

SIZE = (320, 240)
MAGENTA = np.full((40, 120, 3), (255, 0, 255), np.uint8)
BUILDERS = {
    "car": lambda end, plate, lit, turn: build_car(np.random.default_rng(1), "car", end, plate, lit, turn, 100),
    "van": lambda end, plate, lit, turn: build_car(np.random.default_rng(1), "van", end, plate, lit, turn, 100),
    "bus": lambda end, plate, lit, turn: build_car(np.random.default_rng(1), "bus", end, plate, lit, turn, 60),
    "truck": lambda end, plate, lit, turn: build_truck(np.random.default_rng(1), end, plate, lit, turn, 100),
    "motorcycle": lambda end, plate, lit, turn: build_motorcycle(np.random.default_rng(1), end, plate, lit, turn, 100),
}


def sun() -> light.Light:
    return light.day(np.random.default_rng(0), sunny=0.3)


@pytest.fixture(scope="module")
def faces() -> dict[str, Face]:
    return glyphs.faces(np.random.default_rng(0), strokes=2)


@pytest.fixture(scope="module")
def scenes(faces: dict[str, Face]) -> list[Scene]:
    return [street.street(np.random.default_rng(seed), faces, SIZE) for seed in range(4)]


@pytest.mark.parametrize(("kind", "end"), [*itertools.product(("car", "van", "bus", "truck"), ("rear", "front")), ("motorcycle", "rear")])
def test_the_quad_is_where_the_plate_is_drawn(kind: str, end: str) -> None:
    """A plate in a colour that nothing else has: what the picture shows of it is the quad."""
    pose = Pose(-0.8, 11.0, 0.25)
    vehicle: Vehicle = BUILDERS[kind](end, MAGENTA, sun(), pose.matrix)
    camera = Camera((640, 480), 1100.0, (0.0, 0.0, 2.5), pitch=0.13)
    picture = np.full((480, 640, 3), 0.2, np.float32)
    layer = draw(camera, [surface.moved(pose.matrix, np.float32([pose.x, pose.y, 0])) for surface in vehicle.surfaces])
    assert layer is not None and vehicle.plate is not None
    layer.onto(picture)
    blue, green, red = display(picture).astype(int).transpose(2, 0, 1)
    seen = (blue > green + 60) & (red > green + 60)
    quad, _ = camera.project(pose.placed(vehicle.plate))
    truth = np.zeros(seen.shape, np.uint8)
    cv2.fillConvexPoly(truth, np.round(quad - 0.5).astype(np.int32), 1)
    overlap = (seen & (truth > 0)).sum() / (seen | (truth > 0)).sum()
    assert overlap > 0.8, f"{overlap:.2f}"
    assert cv2.contourArea(quad, True) > 0, "clockwise from the top left"


def test_a_motorcycle_shows_no_plate_in_front() -> None:
    assert BUILDERS["motorcycle"]("front", MAGENTA, sun(), np.eye(3, dtype=np.float32)).plate is None


def test_a_scene_is_a_picture_with_its_truth(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert scene.bgr.shape == (SIZE[1], SIZE[0], 3) and scene.bgr.dtype == np.uint8
        assert scene.quads.shape == (len(scene.texts), 4, 2) and scene.boxes.shape == (len(scene.texts), 4)
        assert scene.quads.dtype == scene.boxes.dtype == scene.hidden.dtype == np.float32
        assert all(cv2.contourArea(quad, True) > 0 for quad in scene.quads)
        assert (scene.boxes[:, 2:] > scene.boxes[:, :2]).all()
    assert sum(len(scene.texts) for scene in scenes) >= 3, "streets without plates teach little"


def test_scenes_are_no_flat_colours(scenes: list[Scene]) -> None:
    for scene in scenes:
        gray = cv2.cvtColor(scene.bgr, cv2.COLOR_BGR2GRAY)
        assert len(np.unique(gray)) > 60 and gray.std() > 5


def test_the_same_seed_gives_the_same_scene(faces: dict[str, Face], scenes: list[Scene]) -> None:
    again = street.street(np.random.default_rng(2), faces, SIZE)
    assert np.array_equal(again.bgr, scenes[2].bgr) and np.array_equal(again.quads, scenes[2].quads) and again.texts == scenes[2].texts


def test_the_stream_shows_a_street_again_with_its_vehicles_elsewhere(faces: dict[str, Face]) -> None:
    stream = street.scenes(np.random.default_rng(4), faces, SIZE, reuse=3)
    shown = list(itertools.islice(stream, 3))
    assert all(bgr.shape == (SIZE[1], SIZE[0], 3) and boxes.shape[1:] == (4,) and quads.shape[1:] == (4, 2) for bgr, boxes, quads in shown)
    assert not np.array_equal(shown[0][0], shown[1][0])


@pytest.mark.parametrize("make", [light.day, light.dusk, light.night])
def test_every_hour_has_its_light(make: object) -> None:
    arguments = {"sunny": 0.5} if make is light.day else {}
    lit = make(np.random.default_rng(0), **arguments)  # type: ignore[operator]
    assert np.linalg.norm(lit.to_sun) == pytest.approx(1, abs=1e-3) and lit.to_sun[2] > 0
    assert (lit.lamps > 0) == (lit.hour != "day")


def shot(camera: Camera) -> Shot:
    empty = np.full((camera.size[1], camera.size[0], 3), 0.2, np.float32)
    return Shot(camera, sun(), empty, (), lens(display(empty)), exposure=1.0, shutter_s=1 / 50, grain=0.0, bloom=0.0)


def actor(name: str, ride: object, kind: str = "car") -> Actor:
    vehicle = BUILDERS[kind]("rear", MAGENTA, sun(), np.eye(3, dtype=np.float32))
    return Actor(name, vehicle, vehicle, ride, name)  # type: ignore[arg-type]


def test_a_lorry_hides_the_car_behind_it() -> None:
    camera = Camera(SIZE, 500.0, (0.0, 0.0, 1.5), pitch=0.05)
    car, lorry = actor("car", parked(0.0, 18.0, 0.0, 9.0)), actor("lorry", parked(0.0, 9.0, 0.0, 9.0), "truck")
    _, visible = shoot(shot(camera), [lorry, car], 1.0)
    share = {seen.name: seen.share for seen in visible}
    assert share["lorry"] > 0.97 and share["car"] < 0.1
    _, alone = shoot(shot(camera), [car], 1.0)
    assert alone[0].share > 0.97


def test_a_frame_changes_only_where_something_is() -> None:
    still = shot(Camera(SIZE, 500.0, (0.0, 0.0, 1.5), pitch=0.05))
    bgr, _ = shoot(still, [actor("car", parked(0.0, 18.0, 0.0, 9.0))], 1.0)
    assert np.array_equal(bgr[:, :60], still.still[:, :60]) and not np.array_equal(bgr, still.still)


def test_a_fast_car_smears_and_a_parked_one_does_not() -> None:
    camera = Camera(SIZE, 500.0, (0.0, 0.0, 1.5), pitch=0.05)
    for ride, soft in ((parked(-1.0, 8.0, 0.0, 9.0), False), (drive([(-1, 8), (-1, 99)], [(0, 25.0), (9, 25.0)], 0.95), True)):
        moving = actor("car", ride)
        placed = moving.at(1.0)
        assert placed is not None
        sharp, taken = layer_of(camera, placed.vehicle, placed.pose), exposed(shot(camera), moving, placed, 1.0)
        assert sharp is not None and taken is not None
        partly = [((layer.alpha > 0.02) & (layer.alpha < 0.98)).sum() for layer in (sharp, taken)]
        assert bool(partly[1] > 1.15 * partly[0]) == soft
