"""A camera's road: places against a camera of known pose, what points say nothing and are refused, and with which words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.config import load
from edge.zones import Grounds, Mark, Road, ZoneError
from edge.zones.road import PLATES_SD_M, plane_of
from tests.edge.configs import LEAST, folder, only, refused, written
from tests.edge.roads import CORNERS, HEIGHT_M, PLATE_M, ROAD, marks, shares

__all__ = ["folder"]

INSIDE = [(0.0, 16.0), (-1.5, 20.0), (2.0, 28.0), (0.5, 33.0)]


def distances(road: Road, places: list[tuple[float, float]]) -> np.ndarray:
    """Between each point of the road and the next, by where they are in the picture."""
    plane = plane_of(road)
    found = [plane.place((x, y)) for x, y in shares(places).tolist()]
    return np.linalg.norm(np.diff([each[0] for each in found if each is not None], axis=0), axis=1)


def test_lengths_on_the_road_are_true_and_at_the_plates_height_as_much_shorter() -> None:
    truth = np.linalg.norm(np.diff(INSIDE, axis=0), axis=1)
    assert distances(Road("road", marks()), INSIDE) == pytest.approx(truth, rel=1e-4)
    assert distances(ROAD, INSIDE) == pytest.approx(truth * (HEIGHT_M - PLATE_M) / HEIGHT_M, rel=1e-4)


def test_more_points_than_four_and_any_origin_say_the_same() -> None:
    more = marks((*CORNERS, (0.0, 20.0), (-2.2, 25.0)))
    assert distances(Road("road", more), INSIDE) == pytest.approx(distances(Road("road", marks()), INSIDE), rel=1e-4)
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])  # a quarter, as on a map whose north is to the left
    there = tuple(Mark(each.picture, tuple((turn @ each.road_m + (589_000.0, 2_326_000.0)).tolist())) for each in marks())
    assert distances(Road("road", there), INSIDE) == pytest.approx(distances(Road("road", marks()), INSIDE), rel=1e-4)


def test_the_slope_is_what_a_small_step_makes() -> None:
    plane, step = plane_of(ROAD), 1e-5
    for x, y in shares(INSIDE).tolist():
        here, right, below = (plane.place(share) for share in ((x, y), (x + step, y), (x, y + step)))
        assert here is not None and right is not None and below is not None
        steps = np.stack([right[0] - here[0], below[0] - here[0]], axis=1) / step
        assert here[1] == pytest.approx(steps, rel=1e-2, abs=0.05)


def test_there_is_no_place_beyond_the_road_or_above_the_horizon() -> None:
    plane = plane_of(ROAD)
    near, far, aside = ((float(x), float(y)) for x, y in shares([(0.0, 13.0), (0.0, 60.0), (9.0, 20.0)]))
    assert plane.place(near) is not None, "a metre before the first points"
    assert plane.place(far) is None and plane.place(aside) is None
    assert plane.place((0.4, 0.0)) is None and plane.place((0.4, -0.5)) is None


def test_a_length_is_as_unsure_as_marked_points_make_it() -> None:
    """The error that is told against the spread of many who mark the same points with the hand that is assumed."""
    ends = [(0.0, 18.0), (0.3, 30.0)]
    rng = np.random.default_rng(3)
    lengths = [distances(Road("road", marks(off=rng.normal(0, 0.0015, (4, 2)))), ends)[0] for _ in range(300)]
    start, end = (tuple(each) for each in shares(ends).tolist())
    told = plane_of(Road("road", marks())).length_error(start, end)
    assert told == pytest.approx(np.std(lengths) / np.mean(lengths), rel=0.2)
    with_heights = plane_of(ROAD).length_error(start, end)
    assert with_heights == pytest.approx(np.hypot(told, PLATES_SD_M / (HEIGHT_M - PLATE_M)), rel=0.05)


def test_a_road_is_of_its_camera() -> None:
    grounds = Grounds.of((), (), (ROAD,))
    assert grounds["road"].plane is not None and grounds["gate"].plane is None


@pytest.mark.parametrize(
    ("picture", "road_m", "said"),
    [
        ([[0.1, 0.5], [0.3, 0.5], [0.5, 0.5], [0.7, 0.5]], [[0, 0], [1, 0], [2, 0], [3, 0]], "to be corners of what they enclose"),
        ([[0.1, 0.1], [0.9, 0.1], [0.5, 0.9], [0.5, 0.4]], [[0, 9], [9, 9], [5, 0], [5, 6]], "to be corners of what they enclose"),
        ([[0.2, 0.7], [0.2, 0.7], [0.4, 0.2], [0.3, 0.2]], [[0, 0], [4, 0], [4, 20], [0, 20]], "to be corners of what they enclose"),
        ([[0.2, 0.7], [0.5, 0.7], [0.4, 0.2], [0.3, 0.2]], [[0, 0], [0, 0], [4, 20], [0, 20]], "points has road_m"),
        ([[0.2, 0.7], [0.5, 0.7], [0.4, 0.2], [0.3, 0.2]], [[4, 0], [0, 0], [4, 20], [0, 20]], "no camera sees so"),  # two exchanged
        ([[0.2, 0.7], [0.5, 0.7], [0.4, 0.2], [0.3, 0.2]], [[4, 0], [0, 0], [0, 20], [4, 20]], "no camera sees so"),  # left for right
        ([[0.5, 0.51], [0.51, 0.51], [0.51, 0.5], [0.5, 0.5]], [[0, 0], [4, 0], [4, 20], [0, 20]], "slips of 0.0015 of the picture"),
        ([[0.2, 0.505], [0.8, 0.505], [0.8, 0.5], [0.2, 0.5]], [[0, 0], [4, 0], [4, 20], [0, 20]], "slips of 0.0015 of the picture"),
    ],
)
def test_points_that_fix_no_road_are_refused(picture: list[list[float]], road_m: list[list[float]], said: str) -> None:
    points = tuple(Mark((a, b), (x, y)) for (a, b), (x, y) in zip(picture, road_m, strict=True))
    with pytest.raises(ZoneError, match=said):
        plane_of(Road("road", points))


def test_a_fifth_point_that_does_not_fit_is_refused() -> None:
    fitting = marks((*CORNERS, (0.0, 20.0)))
    plane_of(Road("road", fitting))
    with pytest.raises(ZoneError, match=r"up to 0\.\d\d of the picture from where all of them together put them"):
        plane_of(Road("road", (*fitting[:4], replace(fitting[4], road_m=(0.0, 25.0)))))


GOOD = """roads:
  - camera: road
    camera_height_m: 6
    points:
      - {picture: [0.21, 0.71], road_m: [0, 0]}
      - {picture: [0.50, 0.67], road_m: [4, 0]}
      - {picture: [0.43, 0.23], road_m: [4, 20]}
      - {picture: [0.26, 0.24], road_m: [0, 20]}
"""


def test_roads_come_out_of_the_config_and_the_shipped_example_is_one(folder: Path, root: Path) -> None:
    road = load(written(folder, LEAST + GOOD)).roads[0]
    assert (road.camera, road.camera_height_m, road.plate_height_m) == ("road", 6.0, 0.6)
    assert road.points[2] == Mark((0.43, 0.23), (4.0, 20.0))
    shipped = (root / "config.yaml").read_text(encoding="utf-8").split("\nroads: []")[1].split("\n\n")[0]
    example = "roads:\n" + "\n".join(line[1:] for line in shipped.splitlines() if line.startswith("#  "))
    assert load(written(folder, LEAST + example)).roads == (road,)


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        (7, GOOD.replace("camera: road", "camera: gate"), "roads[0].camera is 'gate', expected one of road"),
        (8, GOOD.replace("_m: 6", "_m: 0.5"), "roads[0].camera_height_m is 0.5, expected more than plate_height_m, 0.6"),
        (8, GOOD.replace("_m: 6", "_m: -1"), "roads[0].camera_height_m is -1, expected a number above 0 and at most 200"),
        (8, GOOD.replace("camera_height_m", "height_m"), "roads[0].height_m is no key: did you mean"),
        (
            12,
            GOOD.replace("0.43, 0.23", "43, 23"),
            "roads[0].points[2].picture is [43.0, 23.0], expected shares of width and height, 0 to 1",
        ),
        (12, GOOD.replace("[4, 20]", "[4]"), "roads[0].points[2].road_m[1] is missing, expected a number"),
        (12, GOOD.replace("[4, 20]", "[4, far]"), "roads[0].points[2].road_m[1] is 'far', expected a number"),
        (9, "\n".join(GOOD.splitlines()[:-1]), "roads[0].points has 3, expected four or more around the road"),
        (9, GOOD.replace("[4, 0]", "[0, 0]"), "roads[0].points has road_m"),
        (9, GOOD.replace("[4, 0]", "[-4, 0]").replace("[4, 20]", "[-4, 20]"), "roads[0].points has places that no camera sees so"),
        (14, GOOD + "\n".join(GOOD.splitlines()[1:]), "roads[1].camera is 'road', as is roads[0].camera: expected one road a camera"),
    ],
)
def test_what_is_no_road_is_refused_with_its_line(folder: Path, line: int, text: str, said: str) -> None:
    told = only(folder, LEAST + text)
    assert said in told and told.startswith(f"line {line - 1}: "), told


def test_everything_that_is_wrong_with_a_road_is_said_at_once(folder: Path) -> None:
    told = refused(
        folder, LEAST + GOOD.replace("camera: road", "camera: gate").replace("_m: 6", "_m: tall").replace("[0.50, 0.67]", "[5, 6]")
    )
    assert len(told) == 3, told
    for said in ("roads[0].camera is", "roads[0].camera_height_m is 'tall'", "roads[0].points[1].picture is [5.0, 6.0]"):
        assert any(said in line for line in told), said
