"""Sets: every stratum is there, the same bytes come out again, and no photograph has a way in."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from calibration import select, strata
from calibration.pictures import Row, crop_row, draw, scene_row
from calibration.select import Manifest, SelectError
from training.degradation import effects


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    """A dozen crops and one scene of the gate's part."""
    drawn_with = select.faces("gate")
    rows = [crop_row(stratum, (303, 9, i)) for i, stratum in enumerate(strata.strata()[::40])]
    rows.append(scene_row(strata.scene_strata()[1], (303, 9, 99), (320, 192)))
    drawn = tuple(replace(row, digest=draw(row, drawn_with).digest) for row in rows)
    return Manifest("gate", select.fonts(), "any", drawn)


def test_every_cell_has_its_row() -> None:
    """Twelve countries, 20 kinds of plate with their lines, each at every height and severity, by day and by night."""
    cells = strata.strata()
    assert len(set(cells)) == len(cells)
    assert {cell.country for cell in cells} == set(strata.COUNTRIES)
    by_kind = Counter((cell.country, cell.lines) for cell in cells)
    assert set(by_kind.values()) == {len(strata.LINES_PX) * len(strata.SEVERITIES) * len(strata.HOURS)}
    assert by_kind["VN", 1] == by_kind["VN", 2] and ("TW", 2) not in by_kind, "no plate of Taiwan's has two lines"


def test_a_row_lies_within_its_stratum() -> None:
    for i, stratum in enumerate(strata.strata()[::17]):
        row = crop_row(stratum, (1, i))
        assert stratum.line_px[0] <= row.line_px <= stratum.line_px[1] and stratum.severity[0] <= row.severity <= stratum.severity[1]
        assert (row.country, row.lines, row.hour) == (stratum.country, stratum.lines, stratum.hour)
        assert {step.effect for step in row.recipe} <= set(effects.__all__)
        assert row.hour == "day" or row.recipe[0].effect in ("infrared", "exposure")


def test_a_set_is_drawn_again_bit_for_bit(manifest: Manifest, tmp_path: Path) -> None:
    """From the file alone: `pictures` compares every digest."""
    select.save(manifest, tmp_path / "gate.json")
    again = select.load(tmp_path / "gate.json")
    assert again == manifest
    crops, scenes = list(select.pictures(again, "crop")), list(select.pictures(again, "scene"))
    assert len(crops) == len(manifest.rows) - 1 and len(scenes) == 1
    assert all(crop.texts[0] and crop.texts[0].isalnum() for crop in crops)
    boxes = scenes[0].boxes
    assert boxes.shape == (len(scenes[0].texts), 4) and (boxes[:, 2:] > boxes[:, :2]).all()


def test_a_picture_that_comes_out_otherwise_is_refused(manifest: Manifest) -> None:
    """Another font or another OpenCV: ranges would be of other pictures than the manifest says."""
    spoilt = replace(manifest, rows=(replace(manifest.rows[0], digest="0" * 16), *manifest.rows[1:]))
    with pytest.raises(SelectError, match=r"row 0 of gate comes out as .*calibration select"):
        next(select.pictures(spoilt, "crop"))


def test_no_row_can_name_a_file(manifest: Manifest, tmp_path: Path) -> None:
    """A photograph is no calibration set: a row has no field for one, and an unknown field is refused."""
    assert not {field.name for field in fields(Row)} & {"path", "image", "file", "bgr"}
    select.save(manifest, tmp_path / "set.json")
    content = json.loads((tmp_path / "set.json").read_text())
    content["rows"][0]["image"] = "dev/vn-crops/images/00001.jpg"
    (tmp_path / "set.json").write_text(json.dumps(content))
    with pytest.raises(SelectError, match=r"set\.json: is no set of ours: .*image"):
        select.load(tmp_path / "set.json")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2, "part": "gate"}', '{"format": 1, "part": "dev", "rows": []}'])
def test_what_is_no_set_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(SelectError, match="draw it anew"):
        select.load(tmp_path / "x.json")


def test_parts_share_no_picture() -> None:
    firsts = list(select.PARTS.values())
    assert len(set(firsts)) == len(firsts) == 3
    stratum = strata.strata()[0]
    drawn = [draw(crop_row(stratum, (first, 0, 0, 0)), select.faces("gate")).bgr for first in firsts]
    assert not any(a.shape == b.shape and np.array_equal(a, b) for a, b in pairwise(drawn))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"line_px": 1e9}, "row 0: expected line_px, 1 to 200"),
        ({"severity": float("nan")}, "severity, 0 to 2"),
        ({"seed": [-1]}, "seed, whole numbers"),
        ({"size_px": [640]}, "size_px"),
        ({"country": "XX", "kind": "film"}, "kind, crop or scene; country that is rendered"),
        ({"recipe": [{"effect": "defocus", "parameters": {"radius_px": 1e9}}]}, "radius_px must be a number from 0 to 512"),
    ],
)
def test_a_row_that_cannot_be_drawn_is_refused_when_it_is_read(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    """Such rows were taken, and what they asked for was found out in the middle of drawing."""
    row = crop_row(strata.strata()[0], (303, 9, 0))
    select.save(Manifest("gate", (), "any", (row,)), tmp_path / "gate.json")
    fields = json.loads((tmp_path / "gate.json").read_text())
    fields["rows"][0] |= changes
    (tmp_path / "gate.json").write_text(json.dumps(fields))
    with pytest.raises(SelectError) as caught:
        select.load(tmp_path / "gate.json")
    assert says in str(caught.value)
