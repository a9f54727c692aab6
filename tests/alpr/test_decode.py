"""Model output → values, with what models put out when they go wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpr.decode import BLANK, detections, ious, read, suppress
from alpr.imaging import Letterbox, quad_from_box
from alpr.types import Detections
from tests.alpr.lattices import lattice

AS_IT_IS = Letterbox(1.0, (0.0, 0.0))


def decoded(boxes: list, scores: list, fit: Letterbox = AS_IT_IS, **options: float) -> Detections:
    corners = np.float32(boxes).reshape(-1, 4)
    quads = np.array([quad_from_box(box).reshape(8) for box in corners], np.float32).reshape(-1, 8)
    return detections(np.float32(scores), corners, quads, fit, (100, 200), **{"threshold": 0.5, **options})  # type: ignore[arg-type]


def test_overlaps_known_by_hand() -> None:
    others = np.float32([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 4], [3, 3, 3, 3]])
    assert ious(np.float32([0, 0, 10, 10]), others).tolist() == pytest.approx([1, 1 / 3, 0, 0.04, 0])
    assert ious(np.float32([3, 3, 3, 3]), np.float32([[3, 3, 3, 3]])).tolist() == [0]


def test_the_best_of_overlapping_boxes_stays() -> None:
    found = decoded([[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 10]], [0.6, 0.9, 0.7])
    assert found.scores.tolist() == pytest.approx([0.9, 0.7]) and found.boxes[0].tolist() == [1, 0, 11, 10]
    assert found.quads[0].tolist() == [[1, 0], [11, 0], [11, 10], [1, 10]]


def test_boxes_come_back_to_the_picture_and_stay_in_it() -> None:
    found = decoded([[-10, 20, 60, 40], [20, 40, 60, 60]], [0.9, 0.8], Letterbox(0.5, (0.0, 10.0)), iou=1.0)
    assert found.boxes.tolist() == [[0, 20, 120, 60], [40, 60, 120, 100]]
    assert found.quads[0, 0].tolist() == [-20, 20], "corners are not clipped: rectifying needs the plate's real shape"


def test_nothing_over_the_threshold_is_no_detections() -> None:
    assert len(decoded([[0, 0, 10, 10]], [0.4])) == 0 and len(decoded([], [])) == 0
    assert decoded([], []).quads.shape == (0, 4, 2)


@pytest.mark.parametrize("bad", [[np.nan] * 4, [0, 0, np.inf, 10], [10, 10, 5, 5], [3, 3, 3, 9], [300, 0, 310, 10]])
def test_a_box_that_is_none_takes_no_other_with_it(bad: list) -> None:
    """A box of NaN with the best score suppressed every other: no IoU with it is below anything."""
    found = decoded([bad, [50, 0, 60, 10]], [0.99, 0.6])
    assert found.boxes.tolist() == [[50, 0, 60, 10]]


def test_a_score_that_is_no_number_is_below_every_threshold() -> None:
    assert len(decoded([[0, 0, 10, 10]], [np.nan])) == 0


def test_at_most_so_many() -> None:
    boxes = [[20 * i, 0, 20 * i + 10, 10] for i in range(8)]
    assert decoded(boxes, [0.6 + 0.01 * i for i in range(8)], most=3).scores.tolist() == pytest.approx([0.67, 0.66, 0.65])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1))
def test_what_is_kept_does_not_overlap_and_what_is_not_does(seed: int, iou: float) -> None:
    corners = np.random.default_rng(seed).uniform(0, 50, (20, 2, 2))
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
    kept = suppress(boxes, iou).tolist()
    assert kept == sorted(kept) and kept[0] == 0
    for i in range(20):
        overlapped = any(ious(boxes[k], boxes[i : i + 1])[0] > iou for k in kept if k < i)
        assert (i not in kept) == overlapped


def test_a_text_ends_at_its_first_blank() -> None:
    rows = lattice("ABC", 0.9)
    rows[6] = lattice("Z", 0.9)[0]  # behind the end: never read
    one = read(rows, 0.25)
    assert one.text == "ABC" and one.scores.tolist() == pytest.approx([0.9] * 3) and one.two_lines == 0.25


def test_a_text_may_fill_every_slot_or_none() -> None:
    assert read(lattice("ABCDEFGHIJ"), 0.0).text == "ABCDEFGHIJ"
    empty = read(lattice(""), 0.0)
    assert empty.text == "" and len(empty.scores) == 0 and empty.score == 0
    assert read(np.zeros((0, BLANK + 1), np.float32), 0.0).text == ""


def test_points_that_are_out_of_their_range_are_no_plates() -> None:
    """An infinite score won against all others and came out as a plate's; a corner at 3e38 became infinite on its way to the picture."""
    boxes = [[0, 0, 10, 10], [50, 0, 60, 10], [100, 0, 110, 10], [0, 50, 3e38, 60], [-3e38, 0, 10, 10]]
    found = decoded(boxes, [0.9, np.inf, 1.5, 0.99, 0.98])
    assert found.scores.tolist() == pytest.approx([0.9]) and np.isfinite(found.quads).all()
    wild = np.float32([quad_from_box(np.float32(box)).reshape(8) for box in ([0, 0, 10, 10], [50, 0, 60, 10])])
    wild[1, 3] = -3e38
    kept = detections(np.float32([0.6, 0.9]), np.float32(boxes[:2]), wild, Letterbox(0.1, (0.0, 0.0)), (100, 200), 0.5)
    assert kept.scores.tolist() == pytest.approx([0.6]) and np.isfinite(kept.quads).all()


def test_tensors_of_other_shapes_are_refused_in_words() -> None:
    """They ended as an IndexError, three calls further in."""
    good = np.float32([0.9, 0.8]), np.zeros((2, 4), np.float32), np.zeros((2, 8), np.float32)
    for wrong in ((good[0][:1], *good[1:]), (good[0], good[1][:, :3], good[2]), (*good[:2], good[2].reshape(2, 4, 2))):
        with pytest.raises(ValueError, match=r"expected \(p,\), \(p, 4\) and \(p, 8\)"):
            detections(*wrong, AS_IT_IS, (100, 200), 0.5)
    with pytest.raises(ValueError, match=r"lattice is \(10, 30\), expected \(slots, 37\)"):
        read(np.zeros((10, 30), np.float32), 0.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5, 1.5])
def test_a_lattice_of_anything_but_probabilities_says_nothing(value: float) -> None:
    """With a value that is no number the text was made up of the slots that had one, and its score was none."""
    rows = lattice("51F73420", 0.9)
    rows[3, 7] = value
    one = read(rows, 0.2)
    assert (one.text, one.score, one.two_lines) == ("", 0.0, 0.5)


def test_whether_a_plate_has_two_lines_is_a_probability() -> None:
    """One read whose second output was no number made the whole track's score none: it was never published."""
    assert read(lattice("ABC", 0.9), float("nan")).text == ""
    assert [read(lattice("ABC", 0.9), value).two_lines for value in (-3.0, 0.25, 7.0)] == [0, 0.25, 1]
