"""What networks may give, numbers that are none included: sound detections and reads, or a clear error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from alpr import decode
from alpr.decode import BLANK
from alpr.imaging import Letterbox, canvas_size, check_quad, letterbox, picture_from_tensor, quad_size
from alpr.types import ALPHABET, F32, Detections, Read
from tests.fuzz.target import Check, Target

ODD = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 1.0001, 2.0, 1e-45, -1e-45, 3e38, -3e38, 1e30, 1e7, -1e7, 640.0, 1e-7)
"""Single numbers that a network gives when something is wrong with it, and some that it may give."""
SIZES_HW = ((720, 1280), (1, 1), (1, 4000), (4000, 1), (17, 23), (2160, 3840))

pokes = st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(ODD) | st.floats(width=32)), max_size=12)
seeds = st.integers(0, 2**32 - 1)


def poked(array: F32, at: list[tuple[int, float]]) -> F32:
    """Some of its numbers replaced."""
    flat = array.reshape(-1)
    for index, value in at if flat.size else ():
        flat[index % flat.size] = value
    return array


def tensors(seed: int, points: int, canvas_hw: tuple[int, int], at: list[tuple[int, float]]) -> dict[str, F32]:
    """What a detector gives: scores, boxes and quads around them, and then some numbers that no detector should."""
    rng = np.random.default_rng(seed)
    height, width = canvas_hw
    corner = rng.uniform(-0.1, 1, (points, 2)) * (width, height)
    boxes = np.concatenate([corner, corner + rng.uniform(0, 0.4, (points, 2)) * (width, height)], 1).astype(np.float32)
    quads = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]] + rng.normal(0, 2, (points, 8)).astype(np.float32)
    out = {"scores": rng.random(points, np.float32), "boxes": boxes, "quads": quads.astype(np.float32)}
    for number, (index, value) in enumerate(at):
        poked(tuple(out.values())[number % 3], [(index, value)])
    return out


def sound(found: Detections, picture_hw: tuple[int, int]) -> None:
    """Finite, within the picture, best first, with area; corners may lie outside, and are numbers."""
    height, width = picture_hw
    assert np.isfinite(found.boxes).all() and np.isfinite(found.quads).all()
    assert (found.boxes >= 0).all() and (found.boxes <= (width, height, width, height)).all()
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all() and (np.diff(found.scores) <= 0).all()
    assert found.boxes.shape[1:] == (4,) and found.quads.shape[1:] == (4, 2) and len(found.boxes) == len(found.quads) == len(found) <= 64


def detector_output(folder: Path) -> Check:
    def check(given: tuple[int, int, tuple[int, int], list[tuple[int, float]], float, tuple[str, int] | None]) -> bool:
        seed, points, picture_hw, at, threshold, misshapen = given
        canvas_hw = canvas_size(*picture_hw, 640, 32)
        scale = min(canvas_hw[0] / picture_hw[0], canvas_hw[1] / picture_hw[1])
        fit = Letterbox(scale, ((canvas_hw[1] - picture_hw[1] * scale) / 2, (canvas_hw[0] - picture_hw[0] * scale) / 2))
        out = tensors(seed, points, canvas_hw, at)
        if misshapen is not None:
            name, less = misshapen
            out[name] = out[name].reshape(-1)[: max(0, out[name].size - less)]
        try:
            found = decode.detections(out["scores"], out["boxes"], out["quads"], fit, picture_hw, threshold)
        except ValueError as error:
            assert misshapen is not None and "expected" in str(error), error
            return False
        sound(found, picture_hw)
        for quad in found.quads:
            _is_refused_or_has_a_size(quad, picture_hw)
        return True

    return check


def _is_refused_or_has_a_size(quad: F32, picture_hw: tuple[int, int]) -> None:
    try:
        check_quad(quad, picture_hw)
    except ValueError as error:
        assert "quad" in str(error)
    else:
        assert 1 <= min(quad_size(quad)) <= max(quad_size(quad)) <= 2 * max(picture_hw)


def reader_output(folder: Path) -> Check:
    def check(given: tuple[int, float, list[tuple[int, float]], tuple[int, int] | None, float]) -> bool:
        seed, flat, at, shape, two_lines = given
        lattice = np.random.default_rng(seed).dirichlet(np.full(BLANK + 1, flat), 10).astype(np.float32)
        lattice = poked(lattice if shape is None else np.resize(lattice, shape), at)
        try:
            found = decode.read(lattice, two_lines)
        except ValueError as error:
            assert shape is not None and shape[1] != BLANK + 1 and "expected" in str(error), error
            return False
        sound_read(found)
        return bool(found.text)

    return check


def sound_read(found: Read) -> None:
    assert set(found.text) <= set(ALPHABET) and found.scores.shape == (len(found.text),)
    assert np.isfinite(found.scores).all() and ((found.scores >= 0) & (found.scores <= 1)).all()
    assert 0 <= found.score <= 1 and 0 <= found.two_lines <= 1


def enhancer_output(folder: Path) -> Check:
    def check(given: tuple[int, list[tuple[int, float]]]) -> bool:
        seed, at = given
        picture = picture_from_tensor(poked(np.random.default_rng(seed).random((3, 8, 24), np.float32), at))
        assert picture.shape == (8, 24, 3) and picture.dtype == np.uint8 and picture.flags.c_contiguous
        return True

    return check


def letterboxed(folder: Path) -> Check:
    """Any size of picture on any size of canvas, and back."""

    def check(given: tuple[int, int, int, int]) -> bool:
        height, width, longest_px, multiple_px = given
        size = canvas_size(height, width, longest_px, multiple_px)
        canvas, fit = letterbox(np.zeros((height, width, 3), np.uint8), size)
        assert canvas.shape == (*size, 3) and max(size) <= -(-longest_px // multiple_px) * multiple_px
        corners = np.array([[0, 0], [size[1], size[0]]], np.float32)
        assert np.isfinite(fit.to_picture(corners)).all()
        return True

    return check


anything: Any = st.tuples(
    seeds,
    st.integers(0, 100),
    st.sampled_from(SIZES_HW),
    pokes,
    st.floats(0, 1),
    st.none() | st.none() | st.none() | st.tuples(st.sampled_from(("scores", "boxes", "quads")), st.integers(1, 9)),
)
shapes = st.none() | st.none() | st.tuples(st.integers(0, 12), st.integers(1, 40))
sides = st.integers(1, 5000) | st.integers(1, 40)

TARGETS = (
    Target("detector's output", anything, detector_output, quick=400),
    Target("reader's output", st.tuples(seeds, st.floats(0.01, 5), pokes, shapes, st.floats() | st.floats(0, 1)), reader_output, quick=400),
    Target("enhancer's output", st.tuples(seeds, pokes), enhancer_output, quick=200),
    Target("letterbox", st.tuples(sides, sides, st.integers(1, 800), st.sampled_from((1, 16, 32))), letterboxed, quick=200),
)
