"""Zones and lines: what counts as inside, when a line is crossed and which way, dwell and parking, and the loop that obeys them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from alpr.imaging import quad_from_box
from alpr.types import Course, Crossing, Detections, Frame, PlateEvent, Track
from edge.config import load
from edge.events import EventError, Place, describe, schema, seal
from edge.pipeline import in_one_thread
from edge.unit import loop_from
from edge.zones import Courses, Ground, Grounds, Line, Zone
from tests.edge.configs import LEAST, folder, only, refused, written
from tests.edge.plates import IDENTITY, plate_event

__all__ = ["folder"]

WIDTH, HEIGHT = 1000, 500
LEFT = Zone("road", "left", "read", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
YARD = Zone("road", "yard", "ignore", ((0.8, 0), (1, 0), (1, 1), (0.8, 1)))
ACROSS = Line("road", "stop", start=(0.2, 0.5), end=(0.8, 0.5))
UPRIGHT = Line("road", "door", start=(0.5, 0.2), end=(0.5, 0.8))


def box(x: float, y: float, height: float = 20) -> np.ndarray:
    return np.array([x - 2 * height, y - height / 2, x + 2 * height, y + height / 2], np.float32)


def frame(at_s: float) -> Frame:
    return Frame(np.zeros((HEIGHT, WIDTH, 3), np.uint8), "road", 0, 0, 1_700_000_000 + at_s, round(at_s * 1e9))


def drive(places: Iterable[tuple[float, float]], ground: Ground, every_s: float = 0.1, parked_after_s: float = 60.0) -> Course:
    """A plate 20 px high that is seen at one place after the other → its whole course."""
    courses = Courses(parked_after_s)
    for number, (x, y) in enumerate(places):
        at = box(x, y)
        track = Track(7, at, quad_from_box(at), 0.9, 0, 0, 5, (0.0, 0.0), 0.0, at)
        courses.follow(frame(number * every_s), track, ground)
    return courses.leave("road", 7)


def way(start: tuple[float, float], end: tuple[float, float], steps: int = 20) -> list[tuple[float, float]]:
    return [tuple(point) for point in np.linspace(start, end, steps).tolist()]


def crossed(course: Course) -> list[tuple[str, str]]:
    return [(each.line, each.direction) for each in course.crossings]


def test_detections_in_an_ignore_zone_are_not_there() -> None:
    boxes = np.stack([box(100, 100), box(900, 100), box(760, 100)])
    found = Detections(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.stack([quad_from_box(each) for each in boxes]))
    kept = Ground((LEFT, YARD)).kept(found, (WIDTH, HEIGHT))
    assert kept.scores.tolist() == pytest.approx([0.9, 0.7])
    assert Ground((LEFT,)).kept(found, (WIDTH, HEIGHT)) is found
    assert len(Ground((YARD,)).kept(Detections.none(), (WIDTH, HEIGHT))) == 0


def test_plates_are_read_in_read_zones_alone_and_everywhere_without_any() -> None:
    size = (WIDTH, HEIGHT)
    assert Ground((LEFT, YARD)).reads(box(499, 250), size) and not Ground((LEFT, YARD)).reads(box(501, 250), size)
    assert Ground((YARD,)).reads(box(501, 250), size) and Ground().reads(box(501, 250), size)
    second = replace(LEFT, name="all", polygon=((0, 0), (1, 0), (1, 1), (0, 1)))
    assert Ground((LEFT, second)).zone(box(100, 100), size) == "left", "the first of the config wins"
    assert Ground((LEFT, second)).zone(box(900, 100), size) == "all"


def test_a_concave_zone_holds_what_is_within_its_arms() -> None:
    hook = Zone("road", "hook", "read", ((0, 0), (1, 0), (1, 1), (0.9, 1), (0.9, 0.1), (0, 0.1)))
    size = (WIDTH, HEIGHT)
    assert Ground((hook,)).reads(box(950, 400), size) and Ground((hook,)).reads(box(100, 20), size)
    assert not Ground((hook,)).reads(box(500, 300), size)


@pytest.mark.parametrize(
    ("line", "start", "end", "expected"),
    [
        (ACROSS, (500, 100), (500, 400), [("stop", "in")]),  # walking to the right, the right hand points down the picture
        (ACROSS, (500, 400), (500, 100), [("stop", "out")]),
        (ACROSS, (100, 100), (100, 400), []),  # beside the line's end
        (ACROSS, (500, 100), (500, 240), []),  # not as far as it
        (ACROSS, (300, 100), (900, 270), []),  # past its end, on the other side
        (UPRIGHT, (800, 250), (200, 250), [("door", "in")]),  # walking down, the right hand points to the left
        (UPRIGHT, (200, 250), (800, 250), [("door", "out")]),
        (UPRIGHT, (200, 40), (800, 40), []),
    ],
)
def test_crossings_and_their_direction(line: Line, start: Any, end: Any, expected: list[tuple[str, str]]) -> None:
    assert crossed(drive(way(start, end), Ground((), (line,)))) == expected


def test_a_line_is_crossed_between_two_sightings_far_apart() -> None:
    """At five frames a second a car jumps over the line: it need not be seen on it."""
    assert crossed(drive([(500, 100), (500, 400)], Ground((), (ACROSS,)))) == [("stop", "in")]


def test_a_plate_that_stands_on_a_line_and_trembles_crosses_it_once() -> None:
    rng = np.random.default_rng(0)
    standing = [(500 + dx, 250 + dy) for dx, dy in rng.normal(0, 2, (200, 2)).tolist()]
    course = drive([*way((500, 100), (500, 245)), *standing, *way((500, 255), (500, 400))], Ground((), (ACROSS,)))
    assert crossed(course) == [("stop", "in")]


def test_there_and_back_is_two_crossings_with_their_times() -> None:
    course = drive([*way((500, 100), (500, 400)), *way((500, 400), (500, 100))], Ground((), (ACROSS,)))
    assert crossed(course) == [("stop", "in"), ("stop", "out")]
    first, second = course.crossings
    assert 0.9 <= first.utc_s - 1_700_000_000 <= 1.2 and 2.8 <= second.scene_ns / 1e9 <= 3.2


def test_two_lines_are_crossed_in_the_order_of_the_way() -> None:
    ground = Ground((), (ACROSS, replace(ACROSS, name="second", start=(0.2, 0.7), end=(0.8, 0.7))))
    assert crossed(drive(way((500, 100), (500, 450)), ground)) == [("stop", "in"), ("second", "in")]


def test_dwell_is_the_time_in_the_zone_and_in_the_picture_without_one() -> None:
    through = way((100, 250), (900, 250), 81)  # 8 s at 100 px/s; half of the way is in the zone
    inside = drive(through, Ground((LEFT,)))
    assert inside.zone == "left" and inside.dwell_s == pytest.approx(4.0, abs=0.11)
    assert drive(through, Ground()).dwell_s == pytest.approx(8.0) and drive(through, Ground()).zone == ""


def test_a_vehicle_parks_once_it_has_stood_long_enough() -> None:
    rng = np.random.default_rng(1)

    def stands(seconds: int) -> list[tuple[float, float]]:
        return [(500 + dx, 250 + dy) for dx, dy in rng.normal(0, 2, (seconds, 2)).tolist()]

    arrives = way((100, 250), (500, 250), 10)
    assert not drive([*arrives, *stands(29)], Ground(), every_s=1, parked_after_s=30).parked
    assert drive([*arrives, *stands(40)], Ground(), every_s=1, parked_after_s=30).parked
    leaves = [*arrives, *stands(40), *way((500, 250), (900, 250), 10)]
    assert drive(leaves, Ground(), every_s=1, parked_after_s=30).parked, "a final event comes when it is gone"
    crawls = way((100, 250), (900, 250), 120)
    assert not drive(crawls, Ground(), every_s=1, parked_after_s=30).parked, "6.7 px a second is a third of a plate's height"


def test_grounds_are_of_their_camera() -> None:
    grounds = Grounds.of((LEFT, replace(YARD, camera="gate")), (ACROSS,))
    assert grounds["road"] == Ground((LEFT,), (ACROSS,)) and grounds["gate"].zones[0].name == "yard"
    assert grounds["elsewhere"] == Ground()


GOOD = "zones:\n  - {camera: road, name: lane, kind: read, polygon: [[0, 0], [1, 0], [1, 1]]}\n"


def test_zones_and_lines_come_out_of_the_config(folder: Path) -> None:
    config = load(written(folder, LEAST + GOOD + "lines:\n  - {camera: road, name: stop, from: [0.1, 0.5], to: [0.9, 0.5]}\n"))
    assert config.zones == (Zone("road", "lane", "read", ((0, 0), (1, 0), (1, 1))),)
    assert config.lines == (Line("road", "stop", start=(0.1, 0.5), end=(0.9, 0.5)),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("road", "gate"), "zones[0].camera is 'gate', expected one of road"),
        (GOOD.replace("[1, 1]]", "[1.2, 1]]"), "expected shares of width and height, 0 to 1"),
        (GOOD.replace(", [1, 1]]", "]"), "expected at least three corners"),
        (GOOD.replace("[1, 1]]", "[0.5, 0]]"), "which encloses nothing"),
        (GOOD.replace("kind: read", "kind: write"), "zones[0].kind is 'write', expected one of 'read', 'ignore'"),
        (GOOD.replace("lane", "'a/b'"), "zones[0].name is 'a/b', expected at most 63 letters"),
        (GOOD + GOOD.splitlines()[1] + "\n", "zones[1].name is 'lane', as is zones[0].name"),
        ("lines:\n  - {camera: road, name: s, from: [0, 0], to: [0, 0]}\n", "expected another point"),
        ("lines:\n  - {camera: road, name: s, from: [0, 0], to: [0, 2]}\n", "lines[0].to is [0.0, 2.0], expected shares"),
        ("lines:\n  - {camera: road, name: s, to: [0, 1]}\n", "lines[0].from is missing"),
    ],
)
def test_what_is_no_zone_is_refused_with_its_line(folder: Path, text: str, said: str) -> None:
    line = only(folder, LEAST + text)
    assert said in line and line.startswith("line "), line


def test_everything_that_is_wrong_is_said_at_once(folder: Path) -> None:
    assert len(refused(folder, LEAST + GOOD.replace("kind: read, ", "").replace("road", "gate"))) >= 1


# the whole loop, on a few seconds of the sample clip


@pytest.fixture(scope="module")
def seconds(root: Path) -> list[Frame]:
    """Frames 100 to 250 of the clip, every second one."""
    import cv2

    capture = cv2.VideoCapture(str(root / "samples/street.mp4"))
    pictures = [capture.read()[1] for _ in range(250)][100::2]
    return [Frame(bgr, "road", i, i * 80_000_000, 1_700_000_000 + i * 0.08, i * 80_000_000) for i, bgr in enumerate(pictures)]


def events(root: Path, frames: list[Frame], **settings: Any) -> Iterator[PlateEvent]:
    """What the released models make of frames under a config."""
    overrides = {"cameras": [{"id": "road", "source": str(root / "samples/street.mp4")}], "mqtt.port": 1, **settings}
    loop = loop_from(load(root / "config.yaml", overrides))
    copies = (replace(each, bgr=each.bgr.copy()) for each in frames)
    yield from in_one_thread(copies, loop.stages())


def finals(found: Iterable[PlateEvent]) -> dict[str, PlateEvent]:
    return {event.vote.plate: event for event in found if event.type == "final"}


def test_the_loop_reads_where_it_may_and_its_events_say_where(root: Path, seconds: list[Frame]) -> None:
    everywhere = finals(events(root, seconds))
    assert len(everywhere) >= 2, "otherwise there is nothing to compare"
    middles = {plate: float(event.box[::2].mean()) / 1280 for plate, event in everywhere.items()}
    split = float(np.mean(sorted(middles.values())[-2:]))  # the rightmost plate on one side, the rest on the other
    rightmost = max(middles, key=lambda plate: middles[plate])

    right = {"camera": "road", "name": "right", "kind": "read", "polygon": [[split, 0], [1, 0], [1, 1], [split, 1]]}
    inside = finals(events(root, seconds, zones=[right]))
    assert set(inside) <= {rightmost} | {plate for plate in everywhere if middles[plate] > split - 0.05}
    assert rightmost in inside and inside[rightmost].course.zone == "right" and inside[rightmost].course.dwell_s > 0

    without = finals(events(root, seconds, zones=[{**right, "kind": "ignore"}]))
    assert rightmost in everywhere and rightmost not in without
    assert all(event.course.zone == "" for event in without.values())


def test_nothing_is_left_of_a_vehicle_that_is_gone() -> None:
    courses = Courses()
    at = box(100, 100)
    courses.follow(frame(0), Track(3, at, quad_from_box(at), 0.9, 0, 0, 5, (0.0, 0.0), 0.0, at), Ground())
    courses.leave("road", 3)
    assert courses.leave("road", 3) == Course() and not courses._paths


def test_an_events_json_tells_the_course_and_is_valid() -> None:
    crossing = Crossing("stop", "in", 1_700_000_000.25, 0)
    event = plate_event(course=Course("lane", 12.5, True, (crossing,)))
    told = describe(event, IDENTITY)
    assert (told["zone"], told["dwell_s"], told["parked"]) == ("lane", 12.5, True)
    assert told["crossings"] == [{"line": "stop", "direction": "in", "utc": "2023-11-14T22:13:20.250Z"}]
    Draft202012Validator(schema()).validate(json.loads(seal(told, Place("0f" * 16, 3, 42))))
    assert describe(plate_event(), IDENTITY)["zone"] is None, "where there are no zones"
    with pytest.raises(EventError, match=r"crossings.direction is 'over', expected one of 'in', 'out'"):
        describe(plate_event(course=Course(crossings=(replace(crossing, direction="over"),))), IDENTITY)
