"""Metrics against numbers worked out by hand or published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpr.metrics import (
    Answer,
    Scene,
    accuracy,
    average_precision,
    by_height,
    by_tag,
    character_error_rate,
    confidence_gap,
    edit_distance,
    percentiles,
    precision_recall,
    share,
)

BOX = [0.0, 0.0, 10.0, 10.0]
FAR = [100.0, 0.0, 110.0, 10.0]
OFF = [50.0, 50.0, 60.0, 60.0]


def scene(truths: list, found: list, scores: list) -> Scene:
    return Scene(np.array(truths, np.float32).reshape(-1, 4), np.array(found, np.float32).reshape(-1, 4), np.array(scores, np.float32))


def test_wilsons_interval_is_the_published_one() -> None:
    """Newcombe 1998, table I, method 3: 81 of 263 is 0.2553 … 0.3662; 15 of 148 is 0.0624 … 0.1605; 0 of 20 is 0 … 0.1611."""
    for hits, n, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]:
        found = share(hits, n)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_shares_at_the_ends() -> None:
    assert (share(0, 0).low, share(0, 0).high, share(0, 0).value) == (0, 1, 0)
    assert share(5, 5).high == 1 and share(0, 5).low == 0
    with pytest.raises(ValueError, match="6 hits among 5"):
        share(6, 5)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_interval_holds_the_share(a: int, b: int) -> None:
    found = share(min(a, b), max(a, b))
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(
    ("a", "b", "edits"), [("KITTEN", "SITTING", 3), ("", "ABC", 3), ("ABC", "", 3), ("51F7342", "51F73420", 1), ("AB", "BA", 2)]
)
def test_edit_distances(a: str, b: str, edits: int) -> None:
    assert edit_distance(a, b) == edits


@given(*[st.text("AB1", max_size=8)] * 3)
def test_edit_distance_is_a_metric(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


def test_accuracy_and_character_errors() -> None:
    answers = [Answer("51F73420", "51F73420"), Answer("51F73420", "51F7342O"), Answer("ABCD", "")]
    assert (accuracy(answers).hits, accuracy(answers).n) == (1, 3)
    assert character_error_rate(answers) == pytest.approx(5 / 20)
    assert character_error_rate([]) == 0 and accuracy([]).n == 0


def test_average_precision_of_a_perfect_a_late_and_a_half_detector() -> None:
    assert average_precision([scene([BOX, FAR], [BOX, FAR], [0.9, 0.8])]) == 1
    assert average_precision([scene([BOX], [OFF, BOX], [0.9, 0.8])]) == pytest.approx(0.5)
    assert average_precision([scene([BOX, FAR], [BOX], [0.9])]) == pytest.approx(0.5)
    # recall 1/2 at precision 1, then a miss, then recall 1 at precision 2/3
    assert average_precision([scene([BOX, FAR], [BOX, OFF, FAR], [0.9, 0.8, 0.7])]) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_average_precision_ranks_over_all_pictures() -> None:
    scenes = [scene([BOX], [BOX], [0.3]), scene([BOX], [OFF], [0.9])]
    assert average_precision(scenes) == pytest.approx(0.5 * 0.5)


def test_a_plate_found_twice_is_one_hit_and_one_false() -> None:
    twice = [scene([BOX], [BOX, [0, 0, 10, 9]], [0.9, 0.8])]
    precision, recall = precision_recall(twice, 0.5)
    assert (precision.hits, precision.n, recall.hits, recall.n) == (1, 2, 1, 1)
    assert average_precision(twice) == 1


def test_equal_scores_stand_or_fall_together() -> None:
    """Neither the order of the pictures nor of the boxes may decide."""
    hit, miss = scene([BOX], [BOX], [0.5]), scene([], [OFF], [0.5])
    assert average_precision([hit, miss]) == average_precision([miss, hit]) == pytest.approx(0.5)


def test_overlap_below_the_threshold_is_no_hit() -> None:
    half = [scene([BOX], [[0.0, 0.0, 10.0, 5.0]], [0.9])]
    assert average_precision(half, 0.5) == 1 and average_precision(half, 0.51) == 0


def test_pictures_without_truth_or_finds() -> None:
    assert average_precision([]) == average_precision([scene([], [BOX], [0.9])]) == average_precision([scene([BOX], [], [])]) == 0
    precision, recall = precision_recall([scene([BOX], [BOX], [0.4])], 0.5)
    assert (precision.n, recall.hits, recall.n) == (0, 0, 1)


def test_latency_percentiles() -> None:
    assert percentiles(range(101)) == {"p50": 50, "p95": 95, "p99": 99}
    assert percentiles([], (50, 99.9)) == {"p50": 0, "p99.9": 0}


def test_the_confidence_gap() -> None:
    gap = confidence_gap([Answer("A", "A", 0.9), Answer("A", "A", 0.7), Answer("A", "B", 0.3), Answer("A", "B", 0.8)])
    assert (gap.right, gap.wrong, gap.gap) == pytest.approx((0.8, 0.55, 0.25))
    assert gap.separation == pytest.approx(3 / 4)
    assert confidence_gap([]).separation == 0.5
    assert confidence_gap([Answer("A", "A", 0.9), Answer("A", "B", 0.9)]).separation == 0.5


def test_buckets_by_tag_and_height() -> None:
    answers = [Answer("A", "A", height_px=height, tags=tags) for height, tags in [(8, ("b", "a")), (12, ("b",)), (15.9, ()), (400, ())]]
    assert {tag: len(group) for tag, group in by_tag(answers).items()} == {"a": 1, "b": 2}
    assert {name: len(group) for name, group in by_height(answers).items()} == {"0-12": 1, "12-16": 2, "64-": 1}
    assert list(by_height(answers)) == ["0-12", "12-16", "64-"] and list(by_tag(answers)) == ["a", "b"]
