"""List matching measured: distances, thresholds and rates with known answers, and passes that come again."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alpr.metrics import edit_distance
from tests.edge.plates import vote
from tools.evaluate import lists
from tools.evaluate.__main__ import main
from tools.evaluate.lists import Pass, Verdicts, by_distance, neighbour, plate_of, row, shortened, threshold

ROOT = Path(__file__).parents[2]


def passed(text: str, kind: str, read: str | None = None, score: float = 0.9) -> Pass:
    return Pass(text, kind, replace(vote(read or text), score=score))


def test_texts_an_edit_apart_are_found_and_no_others() -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("AB12"), rng.integers(3, 6))) for _ in range(60)]
    for a in texts:
        for b in texts:
            if edit_distance(a, b) <= 1:
                assert shortened(a) & shortened(b)


def test_the_nearest_plate_is_equal_or_an_edit_away() -> None:
    listed = ["51F73420", "30A12345"]
    reads = [passed("", "listed", text, 0.8) for text in ("51F73420", "51F73428", "5F73420", "51F73488", "30A123456")]
    one = by_distance(listed, 1)(reads)
    assert one.plates == ("51F73420", "51F73420", "51F73420", "", "30A12345")
    assert one.scores.tolist() == pytest.approx([1.8, 0.8, 0.8, -np.inf, 0.8])
    assert by_distance(listed, 0)(reads).scores.tolist() == pytest.approx([0.8, *[-np.inf] * 4])


def test_above_a_threshold_lies_no_more_than_the_target() -> None:
    passes = [passed("X", "listed")] * 10 + [passed("Y", "stranger")] * 100
    scores = np.concatenate([np.full(10, 5.0), np.arange(100) / 100])
    limit = threshold(Verdicts(("",) * 110, scores), passes, 0.05)
    assert (scores[10:] > limit).sum() == 5
    assert threshold(Verdicts(("",) * 110, np.full(110, -np.inf)), passes, 0.01) == -np.inf


def test_a_row_counts_true_false_and_mistaken_hits() -> None:
    passes = [
        passed("A1", "listed"),
        passed("A2", "listed", "A9"),
        passed("A3", "listed"),
        passed("B1", "stranger"),
        passed("B2", "neighbour"),
    ]
    verdicts = Verdicts(("A1", "A2", "A7", "A1", ""), np.array([0.9, 0.4, 0.8, 0.7, -np.inf]))
    found = row("stranger and neighbour", "0.01", "lattice", 0.3, verdicts, passes)
    assert (found["true"], found["false"], found["wrong_plate"], found["listed"], found["not_listed"]) == (0.6667, 0.5, 1, 3, 2)
    assert found["read_exactly"] == 0.6667 and row("", "", "", 0.5, verdicts, passes)["true"] == 0.3333


def test_a_neighbour_differs_by_one_character_of_the_same_kind() -> None:
    for seed in range(100):
        rng = np.random.default_rng(seed)
        layout = plate_of(rng)
        other = neighbour(rng, layout)
        pairs = [(a, b) for a, b in zip(layout.text, other.text, strict=True) if a != b]
        assert len(pairs) == 1 and pairs[0][0].isdigit() == pairs[0][1].isdigit()


def test_a_pass_comes_again() -> None:
    from training.synth import glyphs

    faces = glyphs.faces(np.random.default_rng(1), strokes=4)
    layout = plate_of(np.random.default_rng(2))
    first, again = (lists.crops_of(np.random.default_rng(3), faces, layout) for _ in range(2))
    assert len(first) == lists.FRAMES and all(np.array_equal(a.bgr, b.bgr) for a, b in zip(first, again, strict=True))
    low, high = lists.LINES_PX
    assert all(0.9 * low <= crop.bgr.shape[0] / len(layout.lines) and crop.bgr.shape[0] < 4.0 * high for crop in first)


def test_the_command_makes_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dozen vehicles a seed tell nothing; but all of it runs, with the released models."""
    assert main(["lists", "--passes", "12", "--csv", str(tmp_path / "lists.csv"), "--config", str(ROOT / "config.yaml")]) == 0
    with (tmp_path / "lists.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (4 + 4 + 4) and {each["way"] for each in rows} == {"equal text", "edit distance 1", "lattice"}
    assert all(
        each["listed"] == "3" and 0 <= float(each["true_low"]) <= float(each["true"]) <= float(each["true_high"]) <= 1 for each in rows
    )
    assert "edit distance 1" in capsys.readouterr().out
