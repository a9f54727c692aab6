"""The plate meter on rendered cameras of known height, slant, speed and shutter: what it measures, and what it advises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alpr.types import Track
from edge.config import load
from edge.loop import Loop
from edge.unit import loop_from
from edge.web.advice import advise, shutter, zoom
from edge.web.measure import measure, surroundings
from edge.web.meter import Meters, Reading, axis_deg
from tests.edge.web.road import Aim, Road


@pytest.fixture(scope="module")
def street() -> Road:
    return Road(np.random.default_rng(11))


@pytest.fixture
def road(street: Road) -> Road:
    """The same street, and the same plates for each test."""
    street.rng = np.random.default_rng(5)
    return street


@pytest.fixture(scope="module")
def stages(root: Path) -> Loop:
    return loop_from(load(root / "config.yaml", {"cameras": [{"id": "road", "source": str(root / "samples/street.mp4")}], "mqtt.port": 1}))


def measured(road: Road, aim: Aim, plates: int = 9) -> dict[str, float]:
    """Medians of what is measured of a few plates, each within the box around it."""
    found = []
    for _ in range(plates):
        bgr, quad = road.shot(aim, road.plate(aim.lines), (320.0, 240.0))
        found.append(measure(*surroundings(bgr, np.concatenate([quad.min(axis=0), quad.max(axis=0)]).astype(np.float32))))
    names = ("height_px", "line_px", "slant_deg", "lean_deg", "blur_px", "across_px", "bright", "contrast")
    along = axis_deg([each.blur_deg for each in found], [each.blur_px for each in found])
    return {name: float(np.median([getattr(each, name) for each in found])) for name in names} | {"blur_deg": along}


@pytest.mark.parametrize("height_px", [10, 14, 20, 30, 45])
def test_height_is_right_to_a_tenth(road: Road, height_px: float) -> None:
    found = measured(road, Aim(height_px))
    assert found["height_px"] == pytest.approx(height_px, rel=0.1) and found["line_px"] == found["height_px"]
    assert abs(found["slant_deg"]) <= 1 and abs(found["lean_deg"]) <= 4


@pytest.mark.parametrize("height_px", [24, 40])
def test_two_lines_are_seen(road: Road, height_px: float) -> None:
    found = measured(road, Aim(height_px, lines=2))
    assert found["height_px"] == pytest.approx(height_px, rel=0.12) and found["line_px"] == pytest.approx(height_px / 2, rel=0.12)


@pytest.mark.parametrize(("slant_deg", "lean_deg"), [(12, 0), (-20, 0), (38, 0), (0, 20), (0, -30), (10, 15)])
def test_slant_is_right_to_two_degrees_and_height_along_with_it(road: Road, slant_deg: float, lean_deg: float) -> None:
    found = measured(road, Aim(26, slant_deg, lean_deg))
    assert found["slant_deg"] == pytest.approx(slant_deg, abs=2)
    assert found["lean_deg"] == pytest.approx(lean_deg, abs=5)
    assert found["height_px"] == pytest.approx(26, rel=0.12)


@pytest.mark.parametrize("heading_deg", [0, 45, 90, 135])
@pytest.mark.parametrize(("height_px", "blur_px"), [(18, 6), (30, 8), (30, 14)])
def test_motion_is_told_with_its_direction_and_length(road: Road, height_px: float, blur_px: float, heading_deg: float) -> None:
    found = measured(road, Aim(height_px, speed_px_s=blur_px * 100, shutter_s=0.01, heading_deg=heading_deg))
    off = abs(found["blur_deg"] - heading_deg)
    assert min(off, 180 - off) <= 15
    assert blur_px * 0.6 <= found["blur_px"] <= blur_px * 1.3
    assert found["blur_px"] >= 1.5 * found["across_px"]


def test_a_lens_out_of_focus_smears_alike_in_all_directions(road: Road) -> None:
    found = measured(road, Aim(28, defocus_px=6))
    assert found["blur_px"] >= 0.25 * 28 and found["blur_px"] < 1.5 * found["across_px"]


def test_directions_without_a_sign_have_a_mean() -> None:
    assert axis_deg([175, 5], [1, 1]) == pytest.approx(0, abs=1e-6) or axis_deg([175, 5], [1, 1]) == pytest.approx(180, abs=1e-6)
    assert axis_deg([80, 100, 10], [1, 1, 0]) == pytest.approx(90)


# through the released detector, the tracker and the loop


def advised(stages: Loop, road: Road, aim: Aim, vehicles: int = 3) -> tuple[Reading, str]:
    """What the meter says after a few vehicles passed a rendered camera."""
    meters = Meters()

    class Onlooker:
        def saw(self, frame, found, tracks) -> None:  # type: ignore[no-untyped-def]
            meters.note(frame, tracks)

    stages.onlooker = Onlooker()  # type: ignore[assignment]
    stages._trackers.clear()
    for frame in road.passes(aim, vehicles):
        list(stages.see(frame))
    stages.onlooker = None
    reading = meters.reading("road")
    assert reading is not None, "the detector found no plate"
    return reading, advise(reading).sentence


FAST = Aim(14, speed_px_s=600, shutter_s=1 / 100)


def test_small_and_blurred_by_motion(stages: Loop, road: Road) -> None:
    reading, sentence = advised(stages, road, FAST, vehicles=6)
    assert reading.vehicles >= 4
    assert reading.height_px == pytest.approx(14, abs=3) and reading.speed_px_s == pytest.approx(600, rel=0.15)
    assert reading.blur_px == pytest.approx(FAST.blur_px, rel=0.4) and reading.heading_deg == pytest.approx(90, abs=10)
    told = re.fullmatch(r"Plates here are 1[3-7] px high, blurred by motion: zoom to (1\.[3-8])x, shutter 1/500 s or shorter\.", sentence)
    assert told, sentence
    assert 18 <= float(told[1]) * 14 <= 25, "the zoom brings the line to where it is read with ease"


def test_the_advised_shutter_is_sharp_again(stages: Loop, road: Road) -> None:
    """The advice taken: the same road with that zoom and that shutter needs no other."""
    reading, _ = advised(stages, road, FAST, vehicles=6)
    parts = shutter(reading)
    assert parts is not None
    bigger = zoom(reading)
    mended = replace(FAST, height_px=14 * bigger, speed_px_s=600 * bigger, shutter_s=1 / parts)
    _, sentence = advised(stages, road, mended, vehicles=5)
    assert sentence.endswith("and clear: leave the camera as it is."), sentence


def test_a_good_camera_is_left_alone(stages: Loop, road: Road) -> None:
    reading, sentence = advised(stages, road, Aim(26, speed_px_s=200, shutter_s=1 / 500))
    assert re.fullmatch(r"Plates here are 2[4-8] px high and clear: leave the camera as it is\.", sentence), sentence
    assert reading.bright > 150 and reading.contrast > 100


def test_slanted_plates_turn_the_camera(stages: Loop, road: Road) -> None:
    _, sentence = advised(stages, road, Aim(30, slant_deg=20, speed_px_s=200, shutter_s=1 / 1000))
    told = re.search(r"(\d+)° slanted: turn the camera (\d+)° clockwise", sentence)
    assert told and abs(int(told[1]) - 20) <= 3 and abs(int(told[2]) - 20) <= 3, sentence


def test_out_of_focus_is_no_motion(stages: Loop, road: Road) -> None:
    _, sentence = advised(stages, road, Aim(28, speed_px_s=200, shutter_s=1 / 1000, defocus_px=5.5))
    assert "out of focus: focus the lens" in sentence and "shutter" not in sentence


def test_light(stages: Loop, road: Road) -> None:
    slow = Aim(28, speed_px_s=200, shutter_s=1 / 1000)
    assert "dark: more light or gain" in advised(stages, road, replace(slow, gain=0.2))[1]
    assert "too bright: less exposure" in advised(stages, road, replace(slow, gain=2.0))[1]


# the meter's own rules


GOOD = Reading(5, 30, 30, 1, 28, 32, 0, 1, 0, 1, 0, 1, 300, 90, 200, 120)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, "Plates here are 30 px high and clear: leave the camera as it is."),
        (
            {"height_px": 14, "line_px": 14, "leans": 38, "slant_deg": 38, "blur_px": 6, "speed_px_s": 600},
            "Plates here are 14 px high, 38° slanted, blurred by motion: zoom to 1.6x, turn the camera 38° clockwise, "
            "shutter 1/500 s or shorter.",
        ),
        ({"leans": 25, "slant_deg": 2}, "Plates here are 30 px high, 25° slanted: mount it more squarely to the lanes."),
        ({"leans": 20, "slant_deg": -19}, "Plates here are 30 px high, 20° slanted: turn the camera 19° counterclockwise."),
        ({"lean_deg": 31}, "Plates here are 30 px high, 31° slanted: mount it nearer to the lane's axis, or lower."),
        (
            {"height_px": 28, "line_px": 14, "lines": 2},
            "Plates here are 28 px high in two lines: zoom to 1.6x.",
        ),
        (
            {"blur_px": 10.8, "speed_px_s": 0},
            "Plates here are 30 px high, blurred by motion: shutter 3 times shorter, and fix the camera firmly.",
        ),
        ({"blur_px": 9, "across_px": 8}, "Plates here are 30 px high, out of focus: focus the lens."),
        ({"blur_px": 6, "across_px": 5.5}, "Plates here are 30 px high, out of focus: focus the lens."),
        ({"blur_px": 6, "across_px": 4}, "Plates here are 30 px high and clear: leave the camera as it is."),
        ({"bright": 90, "contrast": 20}, "Plates here are 30 px high, faint: clean the lens, keep the sun out of it."),
        ({"vehicles": 1}, "Plates here are 30 px high and clear: leave the camera as it is (from 1 vehicle only)."),
    ],
)
def test_sentences(change: dict[str, float], sentence: str) -> None:
    assert advise(replace(GOOD, **change)).sentence == sentence  # type: ignore[arg-type]


def test_without_plates_it_says_so() -> None:
    assert Meters().reading("road") is None
    assert advise(None).sentence == "No plates in the last minutes: let a few vehicles pass."


@pytest.mark.parametrize(
    ("line_px", "speed_px_s", "parts"), [(20, 50, 30), (20, 100, 60), (20, 1000, 500), (10, 5000, 8000), (20, 2, None)]
)
def test_shutters(line_px: float, speed_px_s: float, parts: int | None) -> None:
    assert shutter(replace(GOOD, line_px=line_px, speed_px_s=speed_px_s)) == parts


@pytest.fixture
def clock() -> Iterator[list[float]]:
    yield [1000.0]


def test_vehicles_count_once_by_their_largest_view_and_are_forgotten(road: Road, clock: list[float]) -> None:
    meters = Meters(lambda: clock[0])
    for height_px in (12.0, 30.0, 16.0):
        aim = Aim(height_px)
        bgr, quad = road.shot(aim, road.plate(), (320.0, 240.0))
        box = np.concatenate([quad.min(axis=0), quad.max(axis=0)]).astype(np.float32)
        frame = next(road.passes(aim, 1, 1))
        track = Track(1, box, quad, 0.9, 0, 10**9, 5, (100.0, 0.0), 500.0, box)
        meters.note(replace(frame, bgr=bgr), [track])
        cut = replace(track, id=2, box=np.array([0, 100, 90, 120], np.float32))
        unsure, new = replace(track, id=3, score=0.3), replace(track, id=4, hits=1)
        meters.note(replace(frame, bgr=bgr), [cut, unsure, new])
    reading = meters.reading("road")
    assert reading is not None and reading.vehicles == 1 and reading.height_px == pytest.approx(30, rel=0.2)
    clock[0] += 601
    assert meters.reading("road") is None
