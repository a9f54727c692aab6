"""What enhancement and several frames are worth: sets that come again, tables with known answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import alpr
from alpr.decode import BLANK, read
from alpr.syntax import Grammar
from alpr.types import ALPHABET, U8, PlateCrop, Read
from edge.gate import Gate, GateRules
from edge.judge import Judge, JudgeRules
from edge.loop import Loop
from edge.tracker import TrackerRules
from tools.evaluate import frames, frozen, lpsr, passes
from tools.evaluate.__main__ import main, table


def crop_of(bgr: U8) -> PlateCrop:
    return PlateCrop(bgr, np.zeros((4, 2), np.float32), float(bgr.shape[0]), 0, 0)


def poor(text: str, line_px: float = 25.0, country: str = "VN", effects: tuple[str, ...] = ()) -> frozen.Poor:
    return frozen.Poor(crop_of(np.zeros((2, 2, 3), np.uint8)), text, country, line_px, effects)


def test_the_frozen_set_comes_again_and_is_harder_at_a_higher_severity() -> None:
    first, again, harder = (list(frozen.frozen(severity, 8)) for severity in (0.5, 0.5, 2.0))
    assert all(np.array_equal(a.crop.bgr, b.crop.bgr) and a.text == b.text for a, b in zip(first, again, strict=True))
    assert [a.text for a in first] == [b.text for b in harder]
    assert sum(len(p.effects) for p in harder) > sum(len(p.effects) for p in first)


def test_the_severity_is_where_the_reader_reads_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plate i can be read below a severity of 4 i / n, so the share that is read falls evenly from 1 at 0 to none at 4."""

    def plates(severity: float, count: int) -> list[frozen.Poor]:
        return [poor("A1", line_px=float(severity < 4 * i / count)) for i in range(count)]

    seen: list[float] = []
    monkeypatch.setattr(frozen, "frozen", lambda severity, count: seen.append(severity) or plates(severity, count))
    found = frozen.hardness(lambda crops: ["A1" if seen[-1] < 4 * i / len(crops) else "-" for i in range(len(crops))], 500)
    assert found == pytest.approx(4 * (1 - frozen.SHARE), abs=0.05)


def test_a_table_counts_what_was_turned_right_and_wrong_by_group() -> None:
    plates = [poor("AB1", 15.0), poor("AB2", 25.0), poor("AB3", 25.0), poor("AB4", 40.0)] * 10
    before, after = ["AB1", "x", "AB3", "x"] * 10, ["AB1", "AB2", "x", "x"] * 10
    rows = {row["group"]: row for row in lpsr.table("r", "enhanced", plates, before, after)}
    assert rows["all"]["n"] == 40 and rows["all"]["exact"] == 0.5
    assert rows["all"]["turned_right"] == 0.25 and rows["all"]["turned_wrong"] == 0.25
    assert rows["line under 20 px"]["exact"] == 1 and rows["line 20-30 px"]["turned_wrong"] == 0.5
    assert rows["country VN"] == {**rows["all"], "group": "country VN"}


def test_groups_too_small_to_say_anything_are_left_out() -> None:
    plates = [poor("A1", country="VN", effects=("rain",))] * lpsr.FEWEST + [poor("A1", country="TW", effects=("fog",))]
    names = [name for name, _ in lpsr.groups(plates)]
    assert "country VN" in names and "with rain" in names and "country TW" not in names and "with fog" not in names


def test_fused_frames_are_nearer_the_plate_than_any_of_them() -> None:
    """Five shifted, noisy views of one picture: aligned and averaged they lose noise; averaged where they lie they would smear."""
    rng = np.random.default_rng(0)
    plate = np.full((24, 72, 3), 230, np.uint8)
    cv2.putText(plate, "A1B2", (4, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (20, 20, 20), 2, cv2.LINE_AA)
    shifts = ((0, 0), (1, 0), (0, 1), (-1, 1), (1, -1))
    views = [np.roll(plate, shift, (0, 1)) for shift in shifts]
    noisy = [np.clip(view + rng.normal(0, 18, view.shape), 0, 255).astype(np.uint8) for view in views]
    made = cv2.resize(frames.fused([crop_of(view) for view in noisy]).bgr, (72, 24), interpolation=cv2.INTER_AREA)

    def apart(bgr: U8) -> float:
        inner = (slice(3, -3), slice(3, -3))
        return min(
            float(np.abs(np.roll(plate, s, (0, 1))[inner].astype(int) - bgr[inner]).mean())
            for s in ((0, 0), (1, 0), (0, 1), (-1, 1), (1, -1))
        )

    assert apart(made) < 0.8 * min(apart(view) for view in noisy)


def test_a_track_is_one_plate_in_different_frames_and_comes_again() -> None:
    (text, crops), (again, same) = frames.track(9, 3), frames.track(9, 3)
    assert text == again and len(crops) == frames.FRAMES and all(np.array_equal(a.bgr, b.bgr) for a, b in zip(crops, same, strict=True))
    assert len({crop.bgr.tobytes() for crop in crops}) == frames.FRAMES


def test_tables_are_for_people() -> None:
    assert table([{"way": "voted", "n": 4}, {"way": "x", "n": 10}]).splitlines() == ["way    n ", "voted  4 ", "x      10"]


def saying(text: str) -> Read:
    lattice = np.eye(BLANK + 1, dtype=np.float32)[[ALPHABET.index(char) for char in text] + [BLANK] * (10 - len(text))]
    return read(0.99 * lattice + 0.01 / (BLANK + 1), 0.0)


def unit(says: Any) -> Loop:
    """The daemon's gate and judge around a reader that says `says(crop)`."""
    judge = Judge(Grammar.load(Path(alpr.__file__).parent / "regions", ["VN"]), JudgeRules())
    nothing: Any = None
    reader: Any = lambda crops: [saying(says(crop)) for crop in crops]  # noqa: E731
    return Loop(nothing, lambda crops: list(crops), reader, Gate(GateRules()), judge, TrackerRules())  # type: ignore[arg-type]


def test_a_rendered_pass_comes_nearer_and_comes_again() -> None:
    first, again = passes.rendered(5), passes.rendered(5)
    assert first.text == again.text and all(np.array_equal(a.bgr, b.bgr) for a, b in zip(first.crops, again.crops, strict=True))
    assert first.crops[-1].height_px > 1.15 * first.crops[0].height_px and 8 <= first.nearest_px <= 22


def test_a_pass_is_right_wrong_or_unread_as_its_reads_are() -> None:
    large = next(each for each in map(passes.rendered, range(100)) if each.nearest_px > 15)
    right = passes.drive(unit(lambda crop: "51K12345"), 0, passes.Pass("51K12345", 18.0, large.crops))
    wrong = passes.drive(unit(lambda crop: "51K12346"), 0, passes.Pass("51K12345", 12.0, large.crops))
    unread = passes.drive(unit(lambda crop: f"51K{crop.frame:05d}"), 0, passes.Pass("51K12345", 12.0, large.crops))
    assert right.final == right.early == "51K12345" and wrong.final == "51K12346" and unread.final == ""
    (every, *_), far = passes.table([right, wrong, unread]), passes.table([right])
    assert (every["final_right"], every["final_wrong"], every["unread"], every["early_right"]) == (1, 1, 1, 1)
    assert [row["nearest"] for row in far] == ["all", "15-22 px"]


@pytest.mark.timeout(900)
def test_several_frames_are_compared_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv = tmp_path / "several.csv"
    assert main(["frames", "--tracks", "1", "--csv", str(csv)]) == 0
    header, *rows = csv.read_text(encoding="utf-8").splitlines()
    assert len(rows) >= 3 and capsys.readouterr().out.split()[: len(header.split(","))] == header.split(",")
