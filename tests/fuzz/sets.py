"""Recipes, manifests and labels, changed: refused with their place, or data that can be drawn and measured."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st

from calibration import select, sensitivity, sets
from calibration.evaluation import Score
from calibration.pictures import crop_row
from calibration.strata import strata
from tests.fuzz.mutations import changed
from tests.fuzz.pictures import street
from tests.fuzz.target import Check, Target
from tools.bench import dataset
from training.degradation import hybrid
from training.degradation.hybrid import Recipe

SHA256 = "ab" * 32


def recipe(folder: Path) -> Check:
    """A changed recipe that is taken makes a picture of the same size, twice the same, and is written as it was read."""
    plate = street()[:16, :48].copy()

    def check(body: bytes) -> bool:
        try:
            rows = json.loads(body)
        except (ValueError, RecursionError):
            return False
        try:
            found = hybrid.load(rows)
        except ValueError as error:
            assert str(error).startswith(("step ", "expected a list of steps")) and len(str(error)) < 1000
            return False
        assert hybrid.load(json.loads(json.dumps(hybrid.save(found), allow_nan=False))) == found
        poor = hybrid.replay(plate, found)
        assert poor.shape == plate.shape and poor.dtype == np.uint8
        np.testing.assert_array_equal(poor, hybrid.replay(plate, found))
        return True

    return check


def drawn(seed: int) -> Recipe:
    """Two draws of the hybrid recipe: most of its effects are in them."""
    rng = np.random.default_rng(seed)
    return (*hybrid.recipe(rng, 20.0, 1.0), *hybrid.recipe(rng, 30.0, 0.8))


def manifest(folder: Path) -> Check:
    path = folder / "set.json"

    def check(body: bytes) -> bool:
        path.write_bytes(body)
        try:
            found = select.load(path)
        except select.SelectError as error:
            assert str(path) in str(error) and "python -m calibration" in str(error)
            return False
        select.counts(found.rows)
        select.save(found, folder / "again.json")
        assert select.load(folder / "again.json") == found
        return True

    return check


def plan(folder: Path) -> Check:
    path = folder / "plan.json"

    def check(body: bytes) -> bool:
        path.write_bytes(body)
        try:
            found = sensitivity.load(path, SHA256)
        except sensitivity.PlanError as error:
            assert str(path) in str(error)
            return False
        assert found.sha256 == SHA256
        return True

    return check


def labels(folder: Path) -> Check:
    """A row of labels.jsonl, by the two who read it: tools.bench and calibration."""
    (folder / "images").mkdir()
    cv2.imwrite(str(folder / "images" / "a.png"), street())

    def check(body: bytes) -> bool:
        (folder / "labels.jsonl").write_bytes(body + b"\n")
        return _measurable(folder) & _calibratable(folder)

    return check


def _measurable(folder: Path) -> bool:
    try:
        items = dataset.load(folder)
    except dataset.DatasetError as error:
        assert str(folder) in str(error)
        return False
    for item in items:
        assert item.kind in ("scene", "crop")
        assert all(plate.box is None or (plate.box.shape == (4,) and np.isfinite(plate.box).all()) for plate in item.plates)
        assert all(plate.text is None or isinstance(plate.text, str) for plate in item.plates)
    return True


def _calibratable(folder: Path) -> bool:
    try:
        found = sets.folder(folder)
    except sets.SetError as error:
        assert str(folder) in str(error)
        return False
    assert all(bgr.dtype == np.uint8 and bgr.size for bgr, _ in found.crops)
    assert all(np.isfinite(boxes).all() and boxes.shape[1:] == (4,) for _, boxes in found.scenes)
    return True


PLATE = {"text": "51F73420", "box": [4.0, 5.0, 40.0, 20.0], "quad": [[4, 5], [40, 6], [40, 20], [4, 19]]}
ROW: dict[str, Any] = {
    "image": "images/a.png",
    "kind": "scene",
    "plates": [PLATE, {"text": None, "box": [1, 1, 9, 9]}],
    "tags": ["blur"],
    "country": "VN",
}


def a_manifest() -> dict[str, Any]:
    """Two crops and a scene; nothing is drawn."""
    rows = [crop_row(stratum, (303, 0, 0, number)) for number, stratum in enumerate(strata()[5:7])]
    rows.append(replace(rows[0], kind="scene", size_px=(640, 400)))
    with tempfile.TemporaryDirectory() as folder:
        select.save(select.Manifest("gate", ("opendin",), cv2.__version__, tuple(rows)), Path(folder) / "set.json")
        made: dict[str, Any] = json.loads((Path(folder) / "set.json").read_text())
    return made


def a_plan() -> dict[str, Any]:
    score = Score(0.9, 100, 0.02)
    return asdict(sensitivity.Plan(SHA256, "mse", ("a", "b"), ("c",), score, score, {"mse": score}, {"a": score}))


recipes = st.integers(0, 40).flatmap(lambda seed: changed(hybrid.save(drawn(seed)), 2))

TARGETS = (
    Target("recipe", recipes, recipe, quick=150),
    Target("manifest", changed(a_manifest(), 2), manifest, quick=150),
    Target("plan", changed(a_plan(), 2), plan, quick=150),
    Target("labels", changed(ROW, 3), labels, quick=250),
)
