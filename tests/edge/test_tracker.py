"""The tracker: one id a vehicle, at any frame rate, and nothing that a detector or a clock does breaks it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpr.imaging import quad_from_box
from alpr.types import Detections, Track
from edge.assignment import assign
from edge.kalman import Motion
from edge.tracker import Tracker, TrackerRules, motion

S = 1_000_000_000


def plates(*places: tuple[float, float], size: tuple[float, float] = (80, 20), score: float | list[float] = 0.9) -> Detections:
    """Detections of plates with their centres at places."""
    half = np.array(size) / 2
    boxes = np.array([[x - half[0], y - half[1], x + half[0], y + half[1]] for x, y in places], np.float32).reshape(-1, 4)
    quads = np.array([quad_from_box(box) for box in boxes], np.float32).reshape(-1, 4, 2)
    return Detections(boxes, np.broadcast_to(np.float32(score), len(boxes)).copy(), quads)


def centre(track: Track) -> tuple[float, float]:
    return float(track.box[0] + track.box[2]) / 2, float(track.box[1] + track.box[3]) / 2


@pytest.mark.parametrize("fps", [5, 10, 25, 60])
@pytest.mark.parametrize("speed_px_s", [0, 60, 400, 900])
def test_one_vehicle_is_one_id_at_any_rate_and_speed(fps: int, speed_px_s: float) -> None:
    """At 5 frames/s and 900 px/s a plate 80 px wide jumps 180 px: its boxes never overlap."""
    tracker, rng = Tracker(), np.random.default_rng(0)
    for k in range(2 * fps):
        x, y = 100 + speed_px_s * k / fps + rng.normal(), 300 + rng.normal()
        (track,) = tracker.update(plates((x, y)), k * S // fps).current
        assert track.id == 1 and track.hits == k + 1
    assert track.velocity_px_s[0] == pytest.approx(speed_px_s, abs=80)
    assert track.travelled_px == pytest.approx(speed_px_s * (2 * fps - 1) / fps, abs=10)
    assert (track.first_ns, track.last_ns) == (0, (2 * fps - 1) * S // fps)


def test_five_vehicles_keep_their_ids() -> None:
    tracker = Tracker()
    for k in range(40):
        places = [(100 + 200 * i + (-1) ** i * 4 * k, 100 + 60 * i + 3 * k) for i in range(5)]
        found = {track.id: centre(track) for track in tracker.update(plates(*places), k * S // 25).current}
        assert found == {i + 1: pytest.approx(place) for i, place in enumerate(places)}


@pytest.mark.parametrize("fps", [10, 25, 60])
def test_plates_that_cross_keep_their_ids(fps: int) -> None:
    tracker = Tracker()
    for k in range(2 * fps):
        t = k / fps
        left, right = (100 + 300 * t, 300.0), (700 - 300 * t, 310.0)
        found = {track.id: centre(track) for track in tracker.update(plates(left, right), round(t * S)).current}
        assert found == {1: pytest.approx(left, abs=0.01), 2: pytest.approx(right, abs=0.01)}


def test_missed_detections_and_changing_rates_keep_the_id() -> None:
    tracker, rng, t = Tracker(), np.random.default_rng(1), 0.0
    for k in range(120):
        t += 1 / rng.uniform(5, 60)
        seen = k < 3 or rng.random() > 0.3
        updates = tracker.update(plates((100 + 200 * t, 300)) if seen else Detections.none(), round(t * S))
        assert [track.id for track in updates.current] == [1] * seen and not updates.ended


def test_an_approaching_plate_keeps_its_id_as_it_grows() -> None:
    tracker = Tracker()
    for k in range(60):
        scale = 1 / (1 - k / 75)  # near it grows without bound
        updates = tracker.update(plates((300 + 50 * scale, 100 + 60 * scale), size=(40 * scale, 10 * scale)), k * S // 25)
        assert [track.id for track in updates.current] == [1]
    assert motion(updates.current[0]) == "approaching"


def test_a_plate_unseen_too_long_has_ended_once() -> None:
    tracker = Tracker(TrackerRules(lost_s=1.0))
    tracker.update(plates((100, 100)), 0)
    assert tracker.update(Detections.none(), 1 * S).ended == []
    (ended,) = tracker.update(Detections.none(), 1 * S + 1).ended
    assert ended.id == 1 and ended.last_ns == 0 and ended.hits == 1
    assert tracker.update(Detections.none(), 3 * S).ended == [] and tracker.flush() == []


def test_the_next_vehicle_does_not_inherit_the_one_before() -> None:
    """A car drives out below; 0.9 s later the next is seen where the first was last: 12 heights behind where that is by now.

    The filter alone is so unsure by then that it would take it: three sigma are 24 heights.
    """
    tracker = Tracker()
    for k in range(25):
        tracker.update(plates((300, 100 + 12 * k)), k * S // 25)
    (track,) = tracker.update(plates((300, 415)), 24 * S // 25 + 9 * S // 10).current
    assert track.id == 2


def test_unsure_detections_continue_a_track_but_start_none() -> None:
    tracker = Tracker()
    assert tracker.update(plates((100, 100), score=0.2), 0).current == []
    tracker.update(plates((100, 100)), S // 25)
    (track,) = tracker.update(plates((104, 100), score=0.2), 2 * S // 25).current
    assert track.id == 1 and track.score == pytest.approx(0.2)
    tracker.update(Detections.none(), 3 * S // 25)
    assert tracker.update(plates((108, 100), score=0.2), 4 * S // 25).current == [], "a lost one comes back by a sure one only"
    assert [t.id for t in tracker.update(plates((112, 100)), 5 * S // 25).current] == [1]
    assert tracker.update(plates((112, 100), score=0.05), 6 * S // 25).current == []


def test_a_sure_detection_goes_before_an_unsure_one_that_is_nearer() -> None:
    tracker = Tracker()
    for k in range(5):
        tracker.update(plates((100, 100)), k * S // 25)
    (track,) = tracker.update(plates((106, 100), (100, 100), score=[0.9, 0.3]), 5 * S // 25).current
    assert centre(track)[0] == 106


def test_late_and_equal_times_count_as_now() -> None:
    tracker = Tracker()
    for t, x in [(10, 100), (10, 101), (9, 102), (-5, 103), (10.04, 104)]:
        (track,) = tracker.update(plates((x, 100)), round(t * S)).current
        assert track.id == 1 and np.isfinite(track.velocity_px_s).all()
    assert track.first_ns == 10 * S and track.last_ns == round(10.04 * S)


def test_a_clock_that_jumps_ahead_ends_everything() -> None:
    tracker = Tracker()
    tracker.update(plates((100, 100), (500, 100)), 0)
    updates = tracker.update(plates((100, 100)), 10**6 * S)
    assert [track.id for track in updates.ended] == [1, 2] and [track.id for track in updates.current] == [3]


def test_what_is_no_box_is_refused_and_counted() -> None:
    found = plates((100, 100), (300, 100), (500, 100), (700, 100))
    found.boxes[0, 2] = np.nan
    found.boxes[1, 2] = found.boxes[1, 0]
    found.scores[2] = np.nan
    updates = Tracker().update(found, 0)
    assert updates.refused == 3 and [centre(track)[0] for track in updates.current] == [700]


def test_flush_ends_all_and_ids_go_on() -> None:
    tracker = Tracker()
    tracker.update(plates((100, 100), (500, 100)), 0)
    assert [track.id for track in tracker.flush()] == [1, 2]
    assert [track.id for track in tracker.update(plates((100, 100)), S).current] == [3]


coordinates = st.floats(-50, 2000, width=32)
found_plates = st.lists(st.tuples(coordinates, coordinates, st.floats(1, 200), st.floats(1, 100), st.floats(0, 1)), max_size=8)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(found_plates, st.integers(-S, 2 * S)), max_size=12))
def test_whatever_comes_ids_are_unique_numbers_finite_and_detections_in_one_track(
    frames: list[tuple[list[tuple[float, ...]], int]],
) -> None:
    tracker, now_ns, alive, over = Tracker(), 0, set(), set()
    for found, step_ns in frames:
        now_ns += step_ns
        boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in found], np.float32).reshape(-1, 4)
        scores = np.array([score for *_, score in found], np.float32)
        updates = tracker.update(Detections(boxes, scores, np.zeros((len(found), 4, 2), np.float32)), now_ns)
        ended, current = {track.id for track in updates.ended}, [track.id for track in updates.current]
        assert ended <= alive and len(set(current)) == len(current), "ends once, and only what lived"
        over |= ended
        assert not over & set(current), "an ended id is never used again"
        alive = (alive - ended) | set(current)
        sure = int((scores >= tracker.rules.high).sum())
        assert sure <= len(current) <= int((scores >= tracker.rules.low).sum()), "each detection in one track, each sure one in some"
        assert sorted(track.box.tobytes() for track in updates.current) == sorted(set_of(boxes, updates.current))
        for track in updates.current:
            assert np.isfinite([*track.velocity_px_s, track.travelled_px, track.score]).all() and track.first_ns <= track.last_ns
    assert {track.id for track in tracker.flush()} == alive


def set_of(boxes: np.ndarray, tracks: list[Track]) -> list[bytes]:
    """The boxes of the frame that tracks hold, each taken out once: a box in two tracks would be missing."""
    left = [box.tobytes() for box in boxes]
    taken = []
    for track in tracks:
        if track.box.tobytes() in left:
            left.remove(track.box.tobytes())
            taken.append(track.box.tobytes())
    return taken


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 10**6), st.floats(0, 1))
def test_the_assignment_is_the_cheapest_of_all(n: int, m: int, seed: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    costs, allowed = rng.normal(size=(n, m)), rng.random((n, m)) < density
    pairs = assign(costs, allowed)
    assert all(allowed[pair] for pair in pairs) and len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)
    best = (0, 0.0)
    for columns in itertools.permutations(range(m + n), n):  # beyond m: no column
        chosen = [(row, column) for row, column in enumerate(columns) if column < m and allowed[row, column]]
        best = min(best, (-len(chosen), sum(costs[pair] for pair in chosen)))
    assert (-len(pairs), sum(costs[pair] for pair in pairs)) == (best[0], pytest.approx(best[1], abs=1e-9))


def test_the_filter_learns_a_velocity_and_doubts_more_with_time() -> None:
    filtered = Motion(0.0, 0.0)
    for k in range(1, 20):
        filtered.predict(0.1)
        filtered.correct(10.0 * k, -5.0 * k)
    assert (filtered.vx, filtered.vy) == (pytest.approx(100, rel=0.02), pytest.approx(-50, rel=0.02))
    before = filtered.spread
    filtered.predict(0.5)
    assert filtered.spread > before and filtered.x == pytest.approx(240, rel=0.02)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ([100, 100, 180, 120], [100, 100, 180, 120], "still"),
        ([100, 100, 180, 120], [105, 103, 186, 124], "still"),
        ([100, 100, 180, 120], [90, 200, 250, 240], "approaching"),
        ([100, 100, 180, 120], [100, 100, 220, 130], "approaching"),
        ([100, 300, 260, 340], [120, 100, 200, 120], "leaving"),
        ([100, 100, 180, 120], [500, 105, 580, 125], "right"),
        ([500, 100, 580, 120], [100, 95, 182, 115], "left"),
        ([100, 100, 180, 120], [250, 220, 370, 250], "approaching"),
    ],
)
def test_directions(first: list[float], last: list[float], expected: str) -> None:
    (track,) = Tracker().update(plates((100, 100)), 0).current
    seen = replace(track, first_box=np.array(first, np.float32), box=np.array(last, np.float32))
    assert motion(seen) == expected


def test_a_track_without_a_first_box_is_still() -> None:
    (track,) = Tracker().update(plates((100, 100)), 0).current
    assert motion(replace(track, first_box=None)) == "still" and motion(track) == "still"
