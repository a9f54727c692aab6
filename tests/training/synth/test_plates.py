"""Faces, layouts and rendered plates: every character drawn and told apart, texts of the right form, pictures of the asked size."""

from __future__ import annotations

import re

import numpy as np
import pytest

from alpr.imaging import rectify
from alpr.types import ALPHABET
from training.synth import glyphs, layouts, views
from training.synth.glyphs import MASK_PX, Face
from training.synth.layouts import BLACK, WHITE, Layout
from training.synth.plates import render_plate

VN = Layout("VN", ("51F-734.20",), 4.6, BLACK, WHITE, ("din",))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def faces() -> dict[str, Face]:
    return glyphs.faces(rng(), strokes=3)


def test_every_face_draws_every_character(faces: dict[str, Face]) -> None:
    assert {"stroke-0", "stroke-1", "stroke-2"} <= set(faces)
    for face in faces.values():
        assert set(face.masks) == set(ALPHABET + "Đ")
        for char, mask in face.masks.items():
            assert mask.shape[0] == MASK_PX, f"{face.name} {char}"
            assert mask[0].any() and mask[-1].any(), f"{face.name} {char} does not fill its height"


def test_characters_of_a_stroke_face_differ() -> None:
    """All but O and 0, which many plates draw alike."""
    face = glyphs.stroke_face("test", width=0.5, weight=0.13, roundness=0.4)
    wide = {char: np.pad(mask, ((0, 0), (0, 2 * MASK_PX - mask.shape[1]))).astype(int) for char, mask in face.masks.items() if char != "O"}
    chars = sorted(wide)
    alike = [a + b for i, a in enumerate(chars) for b in chars[i + 1 :] if np.abs(wide[a] - wide[b]).mean() < 1]
    assert alike == []


@pytest.mark.parametrize("country", sorted(layouts.MAKERS))
def test_layouts_say_what_a_reader_should(country: str) -> None:
    for layout in (layouts.sample(rng(seed), (country,)) for seed in range(60)):
        assert re.fullmatch(r"[A-Z0-9]{3,11}", layout.text), layout
        assert 1 <= len(layout.lines) <= 2 and 1 <= layout.aspect <= 5.2


def test_vietnam_writes_its_two_lines_in_order_and_d_for_its_barred_d() -> None:
    layout = Layout("VN", ("29-MĐ1", "013.53"), 1.36, BLACK, WHITE, ("din",))
    assert layout.text == "29MD101353"
    assert all(re.match(r"\d\d[A-Z]|[A-Z]{2}\d", layouts.sample(rng(seed), ("VN",)).text) for seed in range(100))


def test_countries_come_as_often_as_their_weights() -> None:
    random = rng()
    drawn = [layouts.sample(random).country for _ in range(1500)]
    share = layouts.WEIGHTS["VN"] / sum(layouts.WEIGHTS.values())
    assert abs(drawn.count("VN") / len(drawn) - share) < 0.05


@pytest.mark.parametrize("line_px", [16, 44, 96])
def test_a_plate_has_the_size_that_was_asked(faces: dict[str, Face], line_px: int) -> None:
    plate = render_plate(rng(1), faces, VN, line_px)
    assert plate.bgr.dtype == np.uint8 and plate.bgr.shape == (line_px, round(line_px * 4.6), 3)
    assert (plate.text, plate.country, plate.lines) == ("51F73420", "VN", 1)


def test_the_same_seed_gives_the_same_plate_and_another_text_another_picture(faces: dict[str, Face]) -> None:
    first, again = (render_plate(rng(3), faces, VN).bgr for _ in range(2))
    assert np.array_equal(first, again)
    other = render_plate(rng(3), faces, Layout("VN", ("88A-111.77",), 4.6, BLACK, WHITE, ("din",))).bgr
    assert np.abs(first.astype(int) - other).mean() > 5


def test_a_new_plate_is_dark_on_light(faces: dict[str, Face]) -> None:
    for seed in range(8):
        gray = render_plate(rng(seed), faces, VN, 44, wear=0).bgr.mean(axis=2)
        assert np.percentile(gray, 95) - np.percentile(gray, 5) > 60
        assert np.median(gray) > 150


def test_a_view_knows_its_corners(faces: dict[str, Face]) -> None:
    """Straightened by them, the view is the plate again."""
    plate = render_plate(rng(5), faces, VN, 60, wear=0).bgr
    for seed in range(6):
        view = views.view(rng(seed), plate, views.LOOSE)
        back = rectify(view.bgr, view.quad, margin=0.0)
        back = np.asarray(views.cv2.resize(back, plate.shape[1::-1]), float)
        assert np.corrcoef(back.ravel(), plate.astype(float).ravel())[0, 1] > 0.9
