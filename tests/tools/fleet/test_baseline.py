"""What a camera is judged by outlives the process, stays small, and can be begun anew."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tools.fleet.baseline import BaselineError, Baselines
from tools.fleet.quality import BASELINE, RECENT, Vehicle


def fill(baselines: Baselines, count: int, agreement: float = 0.9, camera: str = "gate") -> None:
    for number in range(count):
        baselines.add("kerb-01", camera, Vehicle(agreement + (number % 5) / 100, True, 20.0 + number % 7))


def test_the_first_are_kept_and_the_latest(tmp_path: Path) -> None:
    file = tmp_path / "fleet.db"
    baselines = Baselines(file)
    fill(baselines, BASELINE)
    fill(baselines, 500, 0.5)
    before = baselines.of("kerb-01", "gate")
    assert [each.what for each in before.drifts] == ["agreement"]
    baselines.close()
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT count(*) FROM vehicle").fetchone()[0] == BASELINE + RECENT
    again = Baselines(file)
    after = again.of("kerb-01", "gate")
    assert (after.first, after.latest, after.count) == (before.first, before.latest, BASELINE + 500)
    fill(again, RECENT)
    assert after.drifts == []
    again.close()


def test_a_camera_that_was_aimed_anew_begins_anew(tmp_path: Path) -> None:
    baselines = Baselines(tmp_path / "fleet.db")
    fill(baselines, 20)
    fill(baselines, 20, camera="yard")
    assert baselines.begin_anew("kerb-01", "gate") and not baselines.begin_anew("kerb-01", "nowhere")
    assert baselines.of("kerb-01", "gate").count == 0 and baselines.of("kerb-01", "yard").count == 20
    baselines.close()
    again = Baselines(tmp_path / "fleet.db")
    assert again.of("kerb-01", "gate").count == 0 and again.of("kerb-01", "yard").count == 20
    again.close()


def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database, but long enough to be looked at" * 30)
    with pytest.raises(BaselineError, match="expected a file of an earlier run"):
        Baselines(tmp_path / "notes.txt")
