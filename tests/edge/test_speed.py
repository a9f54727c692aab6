"""Speeds over a road whose camera's pose is known: true within the error that is told, absent where they cannot be, and in events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from jsonschema import Draft202012Validator

from alpr.types import Course, Frame, PlateEvent, Speed
from edge.config import load
from edge.events import EventError, Place, describe, schema, seal
from edge.pipeline import in_one_thread
from edge.unit import loop_from
from edge.web.reads import row_of
from edge.zones.plane import F64
from edge.zones.road import MARKED_SD, PLATES_SD_M
from edge.zones.speed import DRIFT, LEAST_S, fitted
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.roads import HEIGHT_M, PLATE_M, ROAD, followed, marks, ride
from training.synth import cast, scenery

START = (0.3, 31.0)
Seen = Iterator[tuple[float, F64, float]]


def trembling(rng: np.random.Generator, seen: Seen, noise_px: float = 1.0, drift: float = 0.0, wild: float = 0.0) -> Seen:
    """Sightings as a detector makes them: a middle that scatters, that creeps by shares of the height, and that is at times quite wrong."""
    creeping = rng.normal(0, drift, 2) if drift else np.zeros(2)
    for at_s, middle, height_px in seen:
        far = 15.0 if rng.random() < wild else 0.0
        yield at_s, middle + rng.normal(0, noise_px, 2) + rng.normal(0, 1, 2) * far + creeping * at_s * height_px, height_px


def told(course: Course) -> Speed:
    assert course.speed is not None
    return course.speed


@pytest.mark.parametrize("kmh", [5.0, 15.0, 30.0, 50.0, 60.0])
def test_a_known_speed_is_told_to_within_two_per_cent_and_half_a_kmh(kmh: float) -> None:
    for seed in range(5):
        found = told(followed(ROAD, trembling(np.random.default_rng(seed), ride(kmh, START, 1.0))))
        assert abs(found.kmh - kmh) <= 0.5 + 0.02 * kmh, found
        assert 1_700_000_000.4 <= found.utc_s <= 1_700_000_000.6, "the middle of the second"


def test_the_road_itself_moves_faster_than_the_plates_above_it() -> None:
    """Without the camera's height the points are taken to lie as high as plates do, and 50 km/h is 50 * 6 / (6 - 0.6)."""
    flat = replace(ROAD, camera_height_m=None)
    assert told(followed(flat, ride(50, START, 1.0))).kmh == pytest.approx(50 * HEIGHT_M / (HEIGHT_M - PLATE_M), rel=1e-3)
    assert told(followed(ROAD, ride(50, START, 1.0))).kmh == pytest.approx(50, rel=1e-3)
    assert told(followed(flat, ride(50, START, 1.0, height_m=0.0))).kmh == pytest.approx(50, rel=1e-3)
    high = replace(ROAD, plate_height_m=1.1)
    assert told(followed(high, ride(50, START, 1.0, height_m=1.1))).kmh == pytest.approx(50, rel=1e-3)


@pytest.mark.parametrize("scale", [0.5, 1.5])
def test_the_size_of_the_picture_changes_nothing(scale: float) -> None:
    assert told(followed(ROAD, ride(50, START, 1.0), scale)).kmh == pytest.approx(50, rel=1e-3)


def test_times_are_those_of_the_capture_however_they_come() -> None:
    """A live camera that loses every other frame and is late by up to 80 ms: the clock counts, not the number of the frame."""
    rng = np.random.default_rng(5)
    kept = [each for each in ride(40, START, 1.2, fps=50) if rng.random() < 0.4]
    assert told(followed(ROAD, iter(kept))).kmh == pytest.approx(40, rel=1e-3)


@pytest.mark.parametrize("kmh", [8.0, 30.0, 50.0])
def test_the_truth_lies_within_two_standard_errors_nineteen_times_in_twenty(kmh: float) -> None:
    """All that the error stands for is drawn anew in each trial: pixels, creeping, how high the plate hangs, how the points were marked."""
    rng = np.random.default_rng(11)
    off = []
    for _ in range(120):
        road = replace(ROAD, points=marks(off=rng.normal(0, MARKED_SD, (4, 2))))
        plate_m = float(np.clip(rng.normal(PLATE_M, PLATES_SD_M), 0.1, 1.4))
        seen = ride(kmh, (rng.uniform(-1, 1), rng.uniform(26, 29)), 1.0, fps=12, height_m=plate_m)
        found = told(followed(road, trembling(rng, seen, noise_px=rng.uniform(0.5, 1.5), drift=DRIFT)))
        off.append((found.kmh - kmh) / found.error_kmh)
    within = float(np.mean(np.abs(off) <= 2))
    assert 0.9 <= within <= 0.995 and abs(float(np.mean(off))) < 0.3, (within, np.mean(off))


def test_the_fits_covariance_is_the_spread_of_its_velocities() -> None:
    """Even where a pixel is worth five times as much at the end as at the start, and in one direction twice what it is in the other."""
    rng = np.random.default_rng(2)
    times_s = np.arange(12) / 12
    per_px = np.array([np.diag([0.02, 0.04]) * (1 + 4 * at_s) for at_s in times_s])
    truth = np.array([3.0, -12.0])
    scores = []
    for _ in range(400):
        places = times_s[:, None] * truth + np.einsum("nij,nj->ni", per_px, rng.normal(0, 1, (12, 2)))
        velocity, covariance = fitted(times_s, places, per_px)
        scores.append((velocity - truth) @ np.linalg.inv(covariance) @ (velocity - truth))
    assert 1.6 <= np.mean(scores) <= 2.4, "the square of a standard normal pair has a mean of 2"


def test_a_few_boxes_that_took_the_bumper_for_the_plate_move_little() -> None:
    errors = [told(followed(ROAD, trembling(np.random.default_rng(seed), ride(40, START, 1.0), wild=0.1))).kmh - 40 for seed in range(12)]
    assert np.sqrt(np.mean(np.square(errors))) < 1.0, errors


def test_a_vehicle_that_stands_is_told_to_stand() -> None:
    stood = [told(followed(ROAD, trembling(np.random.default_rng(seed), ride(0, (0.3, 22.0), 1.0)))).kmh for seed in range(20)]
    assert stood.count(0.0) >= 18 and max(stood) < 1.5


def test_what_cannot_be_told_is_not() -> None:
    rng = np.random.default_rng(0)
    assert followed(None, ride(50, START, 1.0)).speed is None, "no road"
    assert followed(ROAD, ride(50, START, LEAST_S - 0.08)).speed is None, "too short"
    assert followed(ROAD, ride(50, START, 1.0, fps=4)).speed is None, "too few"
    assert followed(ROAD, ride(50, (0.3, 80.0), 1.0)).speed is None, "too far beyond the road"
    assert followed(ROAD, ride(50, (14.0, 31.0), 1.0)).speed is None, "beside the road"
    assert followed(ROAD, trembling(rng, ride(50, START, 0.5), noise_px=25.0)).speed is None, "too scattered"
    low = replace(ROAD, camera_height_m=0.9)
    assert followed(low, ride(50, START, 1.0)).speed is None, "a camera hardly above the plates, whose own heights then decide"
    assert told(followed(low, ride(8, (0.3, 22.0), 1.0))).kmh > 0, "which does not make it stand"


def test_what_the_pictures_edge_cuts_off_is_not_measured() -> None:
    """A plate that leaves below stands still there, cut off: its middle is not its middle any more."""
    cut = [(at_s, np.array([middle[0], 719.0]), height_px) for at_s, middle, height_px in ride(50, START, 1.0)]
    assert followed(ROAD, iter(cut)).speed is None


def test_the_latest_speed_stays_when_the_vehicle_leaves_the_road() -> None:
    """It brakes from 40 to 20 km/h and drives on out of the known part: 20 it was."""
    fast, slow = list(ride(40, (0.3, 33.0), 0.8)), list(ride(20, (0.3, 33.0 - 0.84 * 40 / 3.6), 4.0))
    course = followed(ROAD, iter([*fast, *((at_s + 0.84, middle, height_px) for at_s, middle, height_px in slow)]))
    assert told(course).kmh == pytest.approx(20, rel=1e-2) and told(course).utc_s < 1_700_000_004


def test_an_events_json_tells_the_speed_and_is_valid() -> None:
    speed = Speed(48.3412, 1.26, 1_700_000_000.25)
    event = plate_event(course=Course(speed=speed))
    found = describe(event, IDENTITY)
    assert found["speed"] == {"kmh": 48.3, "error_kmh": 1.3, "utc": "2023-11-14T22:13:20.250Z"}
    Draft202012Validator(schema()).validate(json.loads(seal(found, Place("0f" * 16, 3, 42))))
    assert describe(plate_event(), IDENTITY)["speed"] is None
    assert row_of("a", event)["speed"] == [48, 1] and row_of("a", plate_event())["speed"] is None
    for wrong in (replace(speed, kmh=-1.0), replace(speed, kmh=float("nan")), replace(speed, error_kmh=float("inf"))):
        with pytest.raises(EventError, match="speed"):
            describe(plate_event(course=Course(speed=wrong)), IDENTITY)


def test_the_loop_tells_the_speeds_of_the_sample_clip(root: Path) -> None:
    """The released models on ten seconds of it, every second frame, the road marked as its camera has it: the speeds its cast was given."""
    truth = json.loads((root / "samples/street.truth.json").read_text(encoding="utf-8"))
    rides = {each["text"]: cast.script()[int(each["id"][1:])].ride for each in truth["vehicles"]}
    found = {event.vote.plate: event.course.speed for event in read(root) if event.type == "final" and event.vote.plate in rides}
    speeds = {plate: speed for plate, speed in found.items() if speed is not None}
    assert len(speeds) >= 4, found
    for plate, speed in speeds.items():
        kmh = 3.6 * float(np.interp(speed.utc_s - 1_700_000_000, rides[plate].time_s, rides[plate].speed))
        assert abs(speed.kmh - kmh) <= 3 * speed.error_kmh and speed.error_kmh < 0.12 * max(kmh, 20), (plate, kmh, speed)


def read(root: Path) -> Iterator[PlateEvent]:
    """The events of frames 0 to 250 of the clip, and what was followed until then."""
    corners = [(-4.2, 12.5), (-0.9, 12.5), (-1.0, 45.0), (-6.0, 45.0)]
    pixels, _ = scenery.CAMERA.project(np.array([[x, y, 0.0] for x, y in corners], np.float32))
    points = [{"picture": (pixel / scenery.CAMERA.size).tolist(), "road_m": list(at)} for pixel, at in zip(pixels, corners, strict=True)]
    clip = str(root / "samples/street.mp4")
    road = {"camera": "road", "camera_height_m": scenery.CAMERA.at[2], "points": points}
    loop = loop_from(load(root / "config.yaml", {"cameras": [{"id": "road", "source": clip}], "mqtt.port": 1, "roads": [road]}))
    yield from in_one_thread(frames(clip), loop.stages())


def frames(clip: str) -> Iterator[Frame]:
    capture = cv2.VideoCapture(clip)
    for number in range(0, 250, 2):
        bgr, _ = (capture.read()[1] for _ in range(2))
        yield Frame(bgr, "road", number, number * 40_000_000, 1_700_000_000 + number / 25, number * 40_000_000)
