"""Recipes: drawn, saved, loaded and replayed to the same bytes; wrong ones are refused in words. And the sheet to look at them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from alpr.types import U8
from training.degradation import effects, hybrid, preview, steps
from training.degradation.hybrid import STEPS, Step


@pytest.fixture(scope="module")
def plate() -> U8:
    bgr = np.full((44, 190, 3), 215, np.uint8)
    cv2.putText(bgr, "51F73420", (6, 33), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (20, 20, 20), 3, cv2.LINE_AA)
    return bgr


@pytest.mark.parametrize("severity", [0.2, 1.0, 1.3])
def test_a_saved_recipe_replays_bit_for_bit(severity: float, plate: U8) -> None:
    for seed in range(25):
        recipe = hybrid.recipe(np.random.default_rng(seed), 40, severity)
        again = hybrid.load(json.loads(json.dumps(hybrid.save(recipe))))
        assert again == recipe
        assert np.array_equal(hybrid.replay(plate, again), hybrid.replay(plate, recipe))


@pytest.mark.parametrize("make", preview.ALONE, ids=lambda make: make.__name__)
@pytest.mark.parametrize("severity", [0.05, 1.0, 1.3])
def test_every_step_is_data_that_an_effect_takes(make: Any, severity: float, plate: U8) -> None:
    for seed in range(4):
        for line_px in (8.0, 40, 90.5):
            step = make(np.random.default_rng(seed), line_px, severity)
            assert hybrid.load(json.loads(json.dumps(hybrid.save((step,))))) == (step,)
            assert hybrid.replay(plate, (step,)).shape == plate.shape


def test_every_effect_has_a_step() -> None:
    drawn = {make(np.random.default_rng(0), 40, 1.0).effect for make in preview.ALONE}
    assert drawn == set(effects.__all__)
    assert steps.slant not in [make for _, make in STEPS]


def test_no_severity_leaves_the_plate_alone() -> None:
    assert hybrid.recipe(np.random.default_rng(0), 40, 0.0) == ()


def test_the_same_seed_draws_the_same_recipe() -> None:
    assert hybrid.recipe(np.random.default_rng(9), 40) == hybrid.recipe(np.random.default_rng(9), 40)


def test_severity_is_a_dial(plate: U8) -> None:
    """The mean distance from the clean picture grows with it."""
    losses = []
    for severity in (0.25, 0.6, 1.0):
        recipes = [hybrid.recipe(np.random.default_rng(seed), 40, severity) for seed in range(60)]
        losses.append(np.mean([np.abs(hybrid.replay(plate, recipe).astype(int) - plate).mean() for recipe in recipes]))
    assert losses[0] < losses[1] < losses[2]


def test_an_old_recipe_needs_no_bank(plate: U8, monkeypatch: pytest.MonkeyPatch) -> None:
    step = steps.estimated(np.random.default_rng(0), 40, 1.0)
    monkeypatch.setattr(steps.kernels, "bank", lambda: pytest.fail("a recipe must carry its kernel"))
    assert hybrid.replay(plate, hybrid.load(hybrid.save((step,)))).shape == plate.shape


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"effect": "jpeg"}, "expected a list of steps, got dict"),
        (["jpeg"], "step 1: expected effect, parameters"),
        ([{"effect": "jpeg", "parameters": {"quality": 50}, "when": "now"}], "step 1: expected effect, parameters"),
        ([{"effect": "snow", "parameters": {}}], "step 1: no effect is called 'snow'; there are blocking, "),
        ([{"effect": "__all__", "parameters": {}}], "no effect is called"),
        ([{"effect": "jpeg", "parameters": [50]}], "expected the parameters of jpeg by name, got list"),
        ([{"effect": "jpeg", "parameters": {"quality": 50, "speed": 1}}], "jpeg has no parameter speed; it takes quality"),
        (
            [{"effect": "jpeg", "parameters": {"quality": 50}}, {"effect": "jpeg", "parameters": {}}],
            "step 2: jpeg lacks the parameter quality",
        ),
        ([{"effect": "jpeg", "parameters": {"quality": "good"}}], "jpeg's quality must be a whole number from 1 to 100"),
        ([{"effect": "jpeg", "parameters": {"quality": float("nan")}}], "jpeg's quality must be a whole number from 1 to 100"),
        ([{"effect": "jpeg", "parameters": {"quality": 50}, "seed": 3}], "jpeg takes no seed"),
        ([{"effect": "sensor_noise", "parameters": {"shot": 1, "read": 1}}], "sensor_noise needs a whole number as its seed"),
    ],
)
def test_a_wrong_recipe_is_refused_in_words(rows: Any, words: str) -> None:
    with pytest.raises(ValueError, match=".*".join(words.split("'"))):
        hybrid.load(rows)


def test_numbers_of_numpy_can_be_saved() -> None:
    step = Step("jpeg", {"quality": np.int64(40)})
    assert json.loads(json.dumps(hybrid.save((step,)))) == [{"effect": "jpeg", "parameters": {"quality": 40}}]


@pytest.mark.parametrize("mode", [[], ["--effects"]])
def test_a_sheet_can_be_looked_at(mode: list[str], tmp_path: Path, plate: U8) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), plate)
    out = tmp_path / "sheet" / "sheet.png"
    out.parent.mkdir()
    preview.main(["--out", str(out), "--images", str(tmp_path), "--severity", "0.4", "1", "--columns", "3", *mode])
    sheet = cv2.imread(str(out))
    rows, columns = (2, len(preview.ALONE)) if mode else (3, 3)
    assert sheet is not None and sheet.shape == (rows * preview.CELL_PX[1], columns * preview.CELL_PX[0], 3)
    assert sheet.std() > 20


def test_a_sheet_renders_its_own_plates(tmp_path: Path) -> None:
    preview.main(["--out", str(tmp_path / "sheet.png"), "--severity", "0.5", "--columns", "2", "--seed", "3"])
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[1] == 2 * preview.CELL_PX[0]


def test_a_folder_without_pictures_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected pictures"):
        preview.loaded(tmp_path, 3)
