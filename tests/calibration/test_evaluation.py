"""What is measured: plates, boxes, and every crop's own read, whatever batch it was in."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr.contract import InputSpec
from alpr.metrics import Answer
from alpr.types import ALPHABET, F32
from calibration import sets
from calibration.batches import batches, scene
from calibration.evaluation import Outcome, Score, enhanced, found, read, score
from calibration.sets import SetError

READER = InputSpec("image", (64, 128))
LPSR = InputSpec("image", (32, 192), other_sizes_px=((64, 96),))
DETECTOR = InputSpec("image", (640, 640), 32)


def crop(level: int, width: int = 96) -> np.ndarray:
    return np.full((32, width, 3), level, np.uint8)


def reads_brightness(batch: F32) -> dict[str, F32]:
    """A reader that says one character: the brightness of what it sees, in steps of 7."""
    lattice = np.zeros((len(batch), 10, 37), np.float32)
    lattice[:, 1:, 36] = 1
    for row, picture in zip(lattice, batch, strict=True):
        row[0, int(picture.mean() * 255 / 7 + 0.5)] = 1
    return {"probabilities": lattice, "two_lines": np.zeros(len(batch), np.float32)}


def test_every_crop_keeps_its_own_read() -> None:
    crops, texts = [crop(7 * i) for i in range(36)], list(ALPHABET)
    outcome = Outcome(answers=tuple(read(reads_brightness, READER, crops, texts)))
    assert score([outcome]) == Score(1.0, 36, 0.0)
    wrong = Outcome(answers=tuple(read(reads_brightness, READER, crops[:4], ["0", "1", "2", "A"])))
    assert score([wrong]) == Score(0.75, 4, 0.25) and score([outcome, wrong]).n == 40


def test_enhanced_crops_stay_in_their_order_on_both_canvases() -> None:
    seen: list[tuple[int, ...]] = []

    def identity(batch: F32) -> dict[str, F32]:
        seen.append(batch.shape)
        return {"enhanced": batch}

    crops = [crop(i, 40 if i % 2 else 160) for i in range(6)]
    assert [int(each.mean()) for each in enhanced(identity, LPSR, crops)] == list(range(6))
    assert seen == [(3, 3, 32, 192), (3, 3, 64, 96)]


def test_a_scene_is_seen_as_the_device_sees_it() -> None:
    """Letterboxed to 640; a smaller picture to its own size in whole strides."""
    assert scene(DETECTOR, np.zeros((720, 1280, 3), np.uint8))[0].shape == (1, 3, 384, 640)
    assert scene(DETECTOR, np.zeros((200, 370, 3), np.uint8))[0].shape == (1, 3, 224, 384)
    assert [rows for rows, _ in batches("detection", DETECTOR, [np.zeros((64, 64, 3), np.uint8)] * 2)] == [[0], [1]]


def test_finds_come_back_to_the_picture() -> None:
    """A box at the right place of a picture twice the canvas is a hit; AP50 is then 1."""

    def finds(batch: F32) -> dict[str, F32]:
        box = np.array([[[100, 100, 200, 140]]], np.float32)
        return {"scores": np.array([[0.9]], np.float32), "boxes": box, "quads": box[..., [0, 1, 2, 1, 2, 3, 0, 3]]}

    seen = found(finds, DETECTOR, np.zeros((1280, 1280, 3), np.uint8), np.array([[200, 200, 400, 280]], np.float32))
    assert score([Outcome(scenes=(seen,))]) == Score(1.0, 1)


def test_a_folder_gives_crops_with_text_and_scenes_with_boxes(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images/a.png"), crop(9))
    cv2.imwrite(str(tmp_path / "images/b.png"), np.zeros((200, 300, 3), np.uint8))
    rows = [
        {"image": "images/a.png", "kind": "crop", "plates": [{"text": "51F-1"}]},
        {"image": "images/b.png", "kind": "scene", "plates": [{"box": [10, 20, 110, 60], "text": "AB1"}, {"box": [5, 5, 9, 9]}]},
    ]
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    made = sets.folder(tmp_path)
    assert [text for _, text in made.crops] == ["51F1", "AB1"] and made.crops[1][0].shape[:2] == (46, 116)
    assert len(made.scenes) == 1 and made.scenes[0][1].shape == (2, 4)


@pytest.mark.parametrize(("row", "says"), [("{", "JSONDecodeError"), ('{"kind": "crop", "plates": []}', "KeyError"),
                                           ('{"image": "x.png", "kind": "crop", "plates": []}', "cannot be decoded")])  # fmt: skip
def test_a_broken_row_is_named(row: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text(row)
    with pytest.raises(SetError, match=f"labels.jsonl:1: .*{says}"):
        sets.folder(tmp_path)


def test_plates_turned_wrong_are_counted_against_another_run() -> None:
    """Of four, one lost and one won: no loss in sum, a quarter turned wrong."""
    truths = ("51F73420", "30A19474", "29K11448", "61A22959")
    before = Outcome(answers=(*(Answer(text, text) for text in truths[:3]), Answer(truths[3], "61A2295")))
    after = Outcome(answers=(Answer(truths[0], "51F73428"), *(Answer(text, text) for text in truths[1:])))
    found = score([after], [before])
    assert found.value == score([before]).value == 0.75 and found.turned == 0.25
    assert score([after]).turned == 0
