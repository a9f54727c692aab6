"""The one preprocessing: geometry that returns, colours that arrive, and quads that are refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpr.imaging import (
    ONE_LINE_PX,
    PAD_GRAY,
    TWO_LINE_PX,
    byte_tensor,
    canvas_size,
    detector_canvas,
    enhancer_canvas,
    fit_of,
    letterbox,
    picture_from_tensor,
    quad_from_box,
    quad_size,
    rectify,
    resize,
    surroundings,
    tensor,
)

sides = st.integers(1, 300)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@settings(max_examples=60, deadline=None)
@given(sides, sides, sides, sides)
def test_a_letterbox_holds_the_whole_picture_and_leads_back(height: int, width: int, canvas_h: int, canvas_w: int) -> None:
    canvas, fit = letterbox(np.full((height, width, 3), 255, np.uint8), (canvas_h, canvas_w))
    assert canvas.shape == (canvas_h, canvas_w, 3) and canvas.dtype == np.uint8
    rows, columns = np.nonzero((canvas == 255).all(axis=2))
    corners = np.float32([[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]])
    back = fit.to_picture(corners)
    # rounding to whole pixels of the canvas, and never less than one, is all that may be lost
    np.testing.assert_allclose(back, [[0, 0], [width, height]], atol=1.01 / fit.scale)


@pytest.mark.parametrize("size", [(720, 1280), (1, 900), (481, 643), (2000, 7), (384, 640)])
def test_a_fit_is_what_the_letterbox_makes(size: tuple[int, int]) -> None:
    """The device draws its letterbox itself, by the same numbers."""
    canvas, fit = letterbox(np.full((*size, 3), 255, np.uint8), (384, 640))
    assert fit_of(size, (384, 640)) == fit
    rows, columns = np.nonzero((canvas == 255).all(axis=2))
    assert fit.drawn_px(size) == (np.ptp(rows) + 1, np.ptp(columns) + 1) and fit.offset == (columns.min(), rows.min())


@pytest.mark.parametrize(
    ("size", "canvas"), [((720, 1280), (384, 640)), ((300, 200), (320, 224)), ((20, 9), (32, 32)), ((600, 600), (608, 608))]
)
def test_a_detector_is_shown_nothing_enlarged_by_much(size: tuple[int, int], canvas: tuple[int, int]) -> None:
    """A small picture is scaled to the next multiple at most."""
    assert detector_canvas(*size, 640, 32) == canvas


def test_a_letterbox_pads_with_gray_on_both_sides() -> None:
    canvas, fit = letterbox(noise(10, 20), (40, 40))
    assert (canvas[:10] == PAD_GRAY).all() and (canvas[30:] == PAD_GRAY).all() and fit.scale == 2 and fit.offset == (0, 10)


def test_a_picture_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"picture is \(0, 5, 3\) uint8, expected"):
        letterbox(np.zeros((0, 5, 3), np.uint8), (32, 32))


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.integers(32, 700), st.sampled_from([1, 16, 32]))
def test_a_canvas_is_the_smallest_that_fits(height: int, width: int, longest: int, multiple: int) -> None:
    size = canvas_size(height, width, longest, multiple)
    fitted = [max(1, round(side * longest / max(height, width))) for side in (height, width)]
    for side, needed in zip(size, fitted, strict=True):
        assert side % multiple == 0 and needed <= side < needed + multiple


def test_thin_strokes_do_not_alias_where_only_one_side_shrinks() -> None:
    """A 300x40 plate goes to 128x64: OpenCV's INTER_AREA samples single pixels when one side grows. Stripes became beats."""
    stripes = np.zeros((40, 300, 3), np.uint8)
    stripes[:, ::2] = 255
    shrunk = resize(stripes, (64, 128))
    assert shrunk.shape == (64, 128, 3)
    assert shrunk.std() < 20 and abs(shrunk.mean() - 127) < 3
    assert resize(stripes.transpose(1, 0, 2).copy(), (128, 64)).std() < 20


def test_a_picture_of_the_right_size_is_left_alone() -> None:
    picture = noise(32, 48)
    assert resize(picture, (32, 48)) is picture


def test_sizes_of_quads() -> None:
    assert quad_size(quad_from_box(np.float32([10, 20, 40, 30]))) == (10, 30)
    assert quad_from_box(np.float32([1, 2, 3, 4])).tolist() == [[1, 2], [3, 2], [3, 4], [1, 4]]


def test_rectifying_an_upright_box_cuts_its_very_pixels() -> None:
    picture = noise(60, 90)
    np.testing.assert_array_equal(rectify(picture, quad_from_box(np.float32([20, 10, 70, 30])), margin=0), picture[10:30, 20:70])


def test_a_slanted_plate_is_straightened() -> None:
    """A plate of four colours, drawn through a known perspective, comes back with each colour in its quarter."""
    plate = np.zeros((40, 160, 3), np.uint8)
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]  # top left, top right, bottom right, bottom left
    plate[:20, :80], plate[:20, 80:], plate[20:, 80:], plate[20:, :80] = colours
    quad = np.float32([[60, 50], [230, 90], [225, 140], [65, 95]])
    warp = cv2.getPerspectiveTransform(np.float32([[0, 0], [160, 0], [160, 40], [0, 40]]), quad)
    straight = rectify(cv2.warpPerspective(plate, warp, (300, 200)), quad)
    height, width = straight.shape[:2]
    for (y, x), colour in zip([(0.25, 0.25), (0.25, 0.75), (0.75, 0.75), (0.75, 0.25)], colours, strict=True):
        np.testing.assert_allclose(straight[int(y * height), int(x * width)], colour, atol=4)


def test_a_quad_partly_outside_repeats_the_border() -> None:
    straight = rectify(np.full((50, 50, 3), 200, np.uint8), quad_from_box(np.float32([-20, 10, 30, 25])))
    assert (straight == 200).all()


@pytest.mark.parametrize(
    ("quad", "says"),
    [
        ([[0, 0], [np.nan, 0], [20, 10], [0, 10]], "no number"),
        ([[5, 5], [5, 5], [5, 5], [5, 5]], "no area"),
        ([[0, 0], [10, 0], [20, 0], [10, 10]], "no area"),
        ([[0, 0], [20, 10], [20, 0], [0, 10]], "clockwise"),
        ([[20, 0], [0, 0], [0, 10], [20, 10]], "clockwise"),
        ([[0, 0], [20, 0], [4, 2], [0, 10]], "clockwise"),
        ([[0, 0], [1e5, 0], [1e5, 1e3], [0, 1e3]], "twice as large"),
    ],
    ids=["nan", "point", "collinear", "crossed", "mirrored", "dented", "huge"],
)
def test_a_quad_that_no_plate_has_is_refused(quad: list, says: str) -> None:
    """Collinear corners gave a flat picture, mirrored ones a mirrored text, and a huge one took 375 MB."""
    with pytest.raises(ValueError, match=says):
        rectify(noise(60, 60), np.float32(quad))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-30, 130, width=32), min_size=8, max_size=8))
def test_any_quad_is_either_refused_or_gives_a_picture(coordinates: list[float]) -> None:
    try:
        straight = rectify(noise(60, 100), np.float32(coordinates).reshape(4, 2))
    except ValueError:
        return
    assert straight.dtype == np.uint8 and min(straight.shape[:2]) >= 8 and straight.shape[2] == 3


def test_the_enhancers_canvas_goes_by_the_plates_shape() -> None:
    assert enhancer_canvas(noise(20, 90)) == ONE_LINE_PX and enhancer_canvas(noise(40, 56)) == TWO_LINE_PX


def test_a_tensor_is_rgb_in_0_to_1() -> None:
    batch = tensor([np.full((10, 10, 3), (255, 51, 0), np.uint8)] * 2, (4, 6))
    assert batch.shape == (2, 3, 4, 6) and batch.dtype == np.float32
    assert batch[1, :, 2, 3].tolist() == pytest.approx([0, 0.2, 1]), "BGR (255, 51, 0) is blue"
    assert tensor([], (4, 6)).shape == (0, 3, 4, 6)


def test_the_tensor_of_bytes_is_the_same_picture() -> None:
    """255 times the float one, to the last bit; resized alike."""
    bgr = np.random.default_rng(3).integers(0, 256, (31, 57, 3), np.uint8)
    floats, made = tensor([bgr, bgr[:20]], (24, 40)), byte_tensor([bgr, bgr[:20]], (24, 40))
    assert made.dtype == np.uint8 and made.shape == floats.shape == (2, 3, 24, 40)
    np.testing.assert_array_equal(made.astype(np.float32) * np.float32(1 / 255), floats)


def test_a_picture_survives_the_way_to_the_tensor_and_back() -> None:
    picture = noise(32, 48)
    np.testing.assert_array_equal(picture_from_tensor(tensor([picture], (32, 48))[0]), picture)
    assert picture_from_tensor(np.float32([[[-1.0]], [[0.5]], [[7.0]]])).tolist() == [[[255, 128, 0]]]


@pytest.mark.parametrize(
    "picture",
    [
        np.full((20, 30, 3), 300, np.uint16),
        np.zeros((20, 30), np.uint8),
        np.zeros((20, 30, 1), np.uint8),
        np.zeros((20, 30, 4), np.uint8),
        np.zeros((20, 30, 3), np.float32),
        np.zeros((0, 30, 3), np.uint8),
    ],
    ids=["16 bits", "gray", "gray with an axis", "with alpha", "floats", "empty"],
)
def test_what_is_no_picture_is_refused_by_all(picture: np.ndarray) -> None:
    """16 bits went onto a canvas of 8 and wrapped around; gray and alpha failed in numpy, and what was empty in OpenCV."""
    calls = (lambda: letterbox(picture, (32, 32)), lambda: resize(picture, (8, 8)), lambda: tensor([picture], (8, 8)))
    for call in (*calls, lambda: rectify(picture, quad_from_box(np.float32([1, 1, 12, 9])))):
        with pytest.raises(ValueError, match=r"expected \(h, w, 3\) uint8"):
            call()


@pytest.mark.parametrize("box", [[200, 10, 260, 30], [-90, 10, -1, 30], [10, 70, 60, 90], [10, -30, 60, 0]])
def test_a_quad_outside_its_picture_is_refused(box: list[float]) -> None:
    """It was cut out all the same: one colour, the border's, that a reader then read."""
    with pytest.raises(ValueError, match="outside its picture of 100x60"):
        rectify(noise(60, 100), quad_from_box(np.float32(box)))


def test_a_cut_has_no_more_pixels_than_four_of_its_picture_and_the_margin() -> None:
    """Bounded by its longer side alone, a square as wide as two pictures of 3840x2160 took 240 MB."""
    with pytest.raises(ValueError, match="twice as large"):
        rectify(noise(60, 100), quad_from_box(np.float32([-50, -50, 120, 120])))
    largest = rectify(noise(60, 100), quad_from_box(np.float32([-50, -30, 140, 90])))
    assert largest.shape[0] * largest.shape[1] <= 4 * 1.16**2 * 60 * 100


def test_corners_that_overflow_are_refused_without_a_warning() -> None:
    with np.errstate(all="raise"), pytest.raises(ValueError, match="quad"):
        rectify(noise(60, 100), np.float32([[0, 0], [3e38, 0], [3e38, 3e38], [0, 3e38]]))


def test_an_enhanced_picture_is_one_whatever_the_network_gives() -> None:
    """NaN became any byte, and a warning in the log for every plate."""
    odd = np.float32([[[np.nan, np.inf, -np.inf, 3e38]]] * 3)
    with np.errstate(all="raise"):
        assert picture_from_tensor(odd)[0, :, 0].tolist() == [0, 255, 0, 255]


def test_surroundings_leave_room_on_each_side_and_lead_back() -> None:
    picture, quad = noise(100, 200), np.float32([[60, 40], [100, 42], [98, 60], [58, 58]])
    piece, place = surroundings(picture, quad, room=(0.5, 0.25))
    assert place.origin.tolist() == [37, 35] and place.size.tolist() == [84, 30]  # 42 wide, 20 high; outward to whole pixels
    np.testing.assert_array_equal(piece, picture[35:65, 37:121])
    np.testing.assert_allclose(place.to_picture(place.to_shares(quad)), quad, atol=1e-4)


def test_surroundings_beyond_the_picture_repeat_its_border() -> None:
    picture = noise(50, 80)
    piece, place = surroundings(picture, quad_from_box(np.float32([0, 30, 40, 50])), room=(0.5, 0.5))
    assert place.origin.tolist() == [-20, 20] and piece.shape == (40, 80, 3)
    np.testing.assert_array_equal(piece[:, :20], np.repeat(piece[:, 20:21], 20, axis=1))
    np.testing.assert_array_equal(piece[30:], np.repeat(piece[29:30], 10, axis=0))
    with pytest.raises(ValueError, match="outside"):
        surroundings(picture, quad_from_box(np.float32([200, 30, 240, 50])))
