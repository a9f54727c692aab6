"""The instrument itself: what it loads, what it counts, and that it survives any picture."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from alpr.types import U8
from edge.config import load as load_config
from edge.still import Stills
from edge.unit import loop_from
from tools.bench import accuracy
from tools.bench.__main__ import main
from tools.bench.dataset import DatasetError, load
from training.synth import glyphs, plates, views
from training.synth.layouts import BLACK, DIN, WHITE, Layout

ROOT = Path(__file__).parents[3]
TEXTS = ("51F73420", "59T100381", "30A19474", "29K114488", "61A22959", "62P153221")


def rendered(rng: np.random.Generator, text: str) -> U8:
    """A clean Vietnamese plate of that text, on a car."""
    two = len(text) == 9
    lines = (f"{text[:2]}-{text[2:4]}", f"{text[4:7]}.{text[7:]}") if two else (f"{text[:3]}-{text[3:6]}.{text[6:]}",)
    layout = Layout("VN", lines, 1.36 if two else 4.3, BLACK, WHITE, DIN)
    plate = plates.render_plate(rng, glyphs.faces(np.random.default_rng(4), strokes=3), layout, line_px=60, wear=0.0)
    return views.view(rng, plate.bgr, views.Pose(1.0, 0.01, 0.01, (0.1, 0.2))).bgr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures whose names are the truth."""
    path = tmp_path_factory.mktemp("named")
    rng = np.random.default_rng(11)
    for text in TEXTS:
        cv2.imwrite(str(path / f"{text}.png"), rendered(rng, text))
    return path


@pytest.fixture(scope="module")
def stills() -> Stills:
    loop = loop_from(load_config(ROOT / "config.yaml"))
    return Stills.of(loop)


def test_clean_rendered_plates_are_read_and_counted(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preds, numbers = tmp_path / "preds.jsonl", tmp_path / "numbers.json"
    config = str(ROOT / "config.yaml")
    assert main(["accuracy", str(folder), "--preds", str(preds), "--json", str(numbers), "--config", config]) == 0
    found = json.loads(numbers.read_text())
    assert found["plates"]["n"] == 6 and found["plates"]["exact"] >= 0.8
    assert found["plates"]["low"] < found["plates"]["exact"] and "95 % interval" in capsys.readouterr().out
    lines = [json.loads(line) for line in preds.read_text().splitlines()]
    assert {line["image"] for line in lines} == {f"{text}.png" for text in TEXTS}
    for line in lines:
        (plate,) = line["plates"]
        assert len(plate["quad"]) == 4 and len(plate["chars"]) == len(plate["text"]) and line["ms"] > 0


def test_a_labelled_scene_counts_boxes_and_texts(stills: Stills, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    street = np.full((480, 640, 3), 90, np.uint8)
    plate = cv2.resize(rendered(rng, TEXTS[0]), (160, 48))
    street[300:348, 240:400] = plate
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images/0.png"), street)
    row = {"image": "images/0.png", "kind": "scene", "plates": [{"box": [245, 303, 395, 345], "text": TEXTS[0]}], "tags": ["day"]}
    (tmp_path / "labels.jsonl").write_text(json.dumps(row) + "\n")
    found = accuracy.report(accuracy.measure(stills, tmp_path))
    assert found["detection"]["plates"] == 1 and 0 <= found["detection"]["ap50"] <= 1
    assert found["plates"]["n"] == 1 and "day" in found["by_tag"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{", "labels.jsonl:1"),
        ('{"image": "a.png", "plates": []}', "kind"),
        ('{"image": "a.png", "kind": "film", "plates": []}', "'film'"),
        ('{"image": "a.png", "kind": "crop", "plates": [{"box": [1, 2]}]}', "labels.jsonl:1"),
        ('{"image": "a.png", "kind": "crop", "plates": [{"box": [1e39, 0, 1, 1]}]}', "four numbers of pixels"),
        ('{"image": "a.png", "kind": "crop", "plates": [{"text": 51}]}', "text is a int"),
        ('{"image": "\\ud800.png", "kind": "crop", "plates": []}', "expected a name in UTF-8"),  # OpenCV dies of it
        ("[" * 5000, "RecursionError"),
    ],
)
def test_a_bad_label_is_named(tmp_path: Path, row: str, says: str) -> None:
    (tmp_path / "labels.jsonl").write_text(row)
    with pytest.raises(DatasetError, match=says):
        load(tmp_path)


def test_a_folder_without_pictures_and_a_name_without_a_plate_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="neither"):
        load(tmp_path)
    (tmp_path / "---.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="no plate"):
        load(tmp_path)


def test_a_picture_that_cannot_be_decoded_counts_as_not_read(stills: Stills, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "51F73420.png").write_bytes(b"no picture")
    found = accuracy.report(accuracy.measure(stills, tmp_path))
    assert found["plates"]["n"] == 1 and found["plates"]["exact"] == 0
    assert "cannot be decoded" in capsys.readouterr().err


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 9), (33, 1000), (1000, 33)])
@pytest.mark.parametrize("value", [0, 255, "noise"])
def test_any_picture_is_survived(stills: Stills, shape: tuple[int, int], value: int | str) -> None:
    rng = np.random.default_rng(0)
    bgr = rng.integers(0, 256, (*shape, 3), np.uint8) if value == "noise" else np.full((*shape, 3), value, np.uint8)
    for plate in (stills.crop(bgr), *stills.scene(bgr)):
        assert 0 <= plate.vote.score <= 1 and np.isfinite(plate.quad).all()
