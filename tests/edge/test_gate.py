"""The gate: reading goes to tracks that are undecided, and to crops that are no worse than those already read."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from alpr.syntax import Grammar
from alpr.types import F32, U8, PlateCrop, Track
from alpr.vote import vote
from edge.gate import Action, Gate, GateRules, line_px, quality, sharpness, weight
from tests.alpr.lattices import read

BOX: F32 = np.float32([0, 0, 100, 25])
TRACK = Track(1, BOX, np.zeros((4, 2), np.float32), 0.9, 0, 0, 1, (0, 0), 0.0)
MS = 1_000_000


def plate(height: int = 30, width: int = 130, blur: float = 0.0) -> U8:
    bgr = np.full((height, width, 3), 220, np.uint8)
    cv2.putText(bgr, "51F73420", (4, int(0.8 * height)), cv2.FONT_HERSHEY_SIMPLEX, height / 40, (20, 20, 20), 2, cv2.LINE_AA)
    return cv2.GaussianBlur(bgr, (0, 0), blur) if blur else bgr  # type: ignore[return-value]


def crop(bgr: U8, height_px: float | None = None) -> PlateCrop:
    return PlateCrop(bgr, np.zeros((4, 2), np.float32), float(height_px or bgr.shape[0]), 0, 0)


def test_a_good_crop_is_read_as_it_is_and_a_poor_one_enhanced() -> None:
    gate = Gate(GateRules())
    assert gate.manner(crop(plate(40))) is Action.READ
    assert gate.manner(crop(plate(12, 52))) is Action.ENHANCE  # small
    assert gate.manner(crop(plate(40, 170, blur=5))) is Action.ENHANCE  # blurred


@pytest.mark.parametrize(("enhance", "action"), [("always", Action.ENHANCE), ("never", Action.READ)])
def test_the_operator_may_decide(enhance: str, action: Action) -> None:
    gate = Gate(GateRules(enhance=enhance))
    assert {gate.manner(crop(plate(40))), gate.manner(crop(plate(12, 52)))} == {action}


def test_too_small_waits_for_a_nearer_frame() -> None:
    gate = Gate(GateRules(min_line_px=8))
    assert not gate.wants("a", TRACK, 7.9)
    assert gate.decide("a", TRACK, crop(plate(12, 52), 7.0), 0) is Action.WAIT
    assert gate.decide("a", TRACK, crop(plate(12, 52), 12.0), 0) is Action.ENHANCE


def test_a_worse_crop_waits_and_a_better_one_does_not() -> None:
    gate = Gate(GateRules())
    assert gate.decide("a", TRACK, crop(plate(24, 100)), 0) is Action.READ
    gate.answered("a", 1, False)
    assert gate.decide("a", TRACK, crop(plate(24, 100)), 20 * MS) is Action.WAIT  # the same, a frame later
    assert gate.decide("a", TRACK, crop(plate(12, 52)), 150 * MS) is Action.WAIT  # farther away
    assert gate.decide("a", TRACK, crop(plate(32, 140)), 30 * MS) is Action.READ  # nearer
    gate.answered("a", 1, False)
    assert gate.decide("a", TRACK, crop(plate(32, 140)), 200 * MS) is Action.READ  # the same, later


def test_an_undecided_plate_is_read_again_even_where_no_crop_is_as_good_as_the_first() -> None:
    """Seen on the sample clip: a plate's sharpest crop was cut by the picture's edge and read wrong; sixty good ones never had a say."""
    gate = Gate(GateRules())
    assert gate.decide("a", TRACK, crop(plate(40)), 0) is Action.READ
    gate.answered("a", 1, False)
    poorer = crop(plate(40, 170, blur=3))
    assert gate.decide("a", TRACK, poorer, 100 * MS) is Action.WAIT
    assert gate.decide("a", TRACK, poorer, 210 * MS) is not Action.WAIT


def test_no_more_than_two_crops_of_a_track_are_under_way() -> None:
    gate = Gate(GateRules())
    actions = [gate.decide("a", TRACK, crop(plate(40)), i * 1000 * MS) for i in range(3)]
    assert actions == [Action.READ, Action.READ, Action.WAIT]


def test_a_decided_track_is_read_again_only_from_much_nearer_and_a_forgotten_one_starts_anew() -> None:
    gate = Gate(GateRules())
    gate.decide("a", TRACK, crop(plate(24, 100)), 0)
    gate.answered("a", 1, True)
    assert not gate.wants("a", TRACK, 24) and gate.wants("b", TRACK, 24)
    assert gate.wants("a", TRACK, 40) and gate.decide("a", TRACK, crop(plate(40)), 1000 * MS) is Action.READ  # so much nearer
    assert not gate.wants("a", TRACK, 40)
    gate.forget("a", 1)
    assert gate.wants("a", TRACK, 24)


def test_an_unreadable_plate_is_given_up() -> None:
    gate = Gate(GateRules(give_up_reads=3))
    for i in range(3):
        assert gate.decide("a", TRACK, crop(plate(40)), i * 1000 * MS) is Action.READ
        gate.answered("a", 1, False)
    assert not gate.wants("a", TRACK, 40)
    assert gate.decide("a", TRACK, crop(plate(40)), 9000 * MS) is Action.GIVE_UP


def test_a_plate_that_was_too_far_for_all_its_reads_is_read_anew_when_it_comes_nearer() -> None:
    """An approaching vehicle had spent every read before its plate was large enough for any to be right."""
    gate = Gate(GateRules(give_up_reads=3, in_flight=99))
    sizes = [20, 20, 20, 20, 21, 23, 23, 23, 23, 30]
    actions = [gate.decide("a", TRACK, crop(plate(size)), i * 1000 * MS) for i, size in enumerate(sizes)]
    assert [action is Action.GIVE_UP for action in actions] == [False] * 3 + [True] * 2 + [False] * 3 + [True, False]
    assert not gate.wants("b", TRACK, 5) and gate.wants("a", TRACK, 31)
    for i in range(2):
        gate.decide("a", TRACK, crop(plate(30)), (20 + i) * 1000 * MS)
    assert not gate.wants("a", TRACK, 31) and gate.wants("a", TRACK, 34)


def test_sharpness_falls_with_blur_and_not_with_contrast() -> None:
    sharp = sharpness(plate(40, 170))
    assert sharp > sharpness(plate(40, 170, blur=2)) > sharpness(plate(40, 170, blur=5))
    dim = (plate(40, 170) * 0.4).astype(np.uint8)
    assert sharpness(dim) == pytest.approx(sharp, rel=0.25)


def test_a_plate_of_two_lines_counts_half() -> None:
    assert line_px(crop(plate(40, 170))) == 40
    assert line_px(crop(plate(40, 56))) == 20


def test_a_large_smeared_crop_does_not_outvote_smaller_clear_ones() -> None:
    """A car that left the clip: its nearest frame was smeared, read with doubt and wrong, and by its size outvoted what came after."""
    near, far = crop(plate(40, 170, blur=0.8), 40), crop(plate(12, 52), 12)
    wrong = read("81L81848", 0.85, doubts={0: {"6": 0.15}, 7: {"6": 0.15}})
    right = read("61L81846", 0.96, doubts={0: {"8": 0.14}, 7: {"8": 0.14}})
    reads = [wrong, right, right]
    shares = [weight(near, near), weight(far, far), weight(far, far)]
    said = vote(reads, shares, Grammar([]))
    assert quality(near) > 2.9 * quality(far)
    assert said.raw == "61L81846" and said.agreeing == 2
    assert weight(replace(near, enhanced=True), near) == weight(near, near) / 2
