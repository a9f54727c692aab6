"""A folder to measure on: whatever its labels say, the error names the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calibration import sets
from calibration.sets import SetError


def written(folder: Path, **changes: Any) -> Path:
    (folder / "images").mkdir(exist_ok=True)
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    cv2.imwrite(str(folder / "images" / "a.png"), picture)
    row = {"image": "images/a.png", "kind": "scene", "plates": [{"text": "51F73420", "box": [4, 5, 40, 20]}], **changes}
    (folder / "labels.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return folder


def test_a_scene_gives_its_crop_and_its_boxes(tmp_path: Path) -> None:
    found = sets.folder(written(tmp_path))
    ((crop, text),), ((_, boxes),) = found.crops, found.scenes
    assert text == "51F73420" and crop.ndim == 3 and boxes.tolist() == [[4, 5, 40, 20]]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"image": "images/\ud800.png"}, "surrogates not allowed"),
        ({"image": "images"}, "Is a directory"),
        ({"image": "gone.png"}, "No such file"),
        ({"plates": ["51F73420"]}, "AttributeError"),
        ({"plates": [{"text": "A", "box": [1e39, 0, 1, 1]}]}, "expected numbers of pixels"),
        ({"plates": [{"text": "A", "box": [10**400, 0, 1, 1]}]}, "OverflowError"),
        ({"plates": [{"text": "A", "box": [0, 0, 0, 0]}]}, "no area"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_by_its_line(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    """An image named by half of a character ended the process: OpenCV dies of such a name, without a word."""
    with pytest.raises(SetError) as caught:
        sets.folder(written(tmp_path, **changes))
    assert "labels.jsonl:1: cannot be used" in str(caught.value) and says in str(caught.value)


def test_labels_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (written(tmp_path) / "labels.jsonl").write_bytes(b"\x80")
    with pytest.raises(SetError, match="cannot be read"):
        sets.folder(tmp_path)
