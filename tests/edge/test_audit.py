"""The audit log: on the disk before anything is done, and not to be changed unseen."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edge.audit import START, Audit, AuditError, verify


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var/audit.jsonl"


def test_lines_follow_each_other_over_restarts_and_are_for_their_owner_alone(path: Path) -> None:
    for start in range(2):
        audit = Audit(path).open()
        audit.note("command", "mqtt", id=f"a{start}")
        audit.note("erasure", "door", events=3)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["what"] for line in lines] == ["command", "erasure"] * 2 and lines[0]["before"] == START
    assert list(verify(path)) == []
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("change", "line"), [("drop", 2), ("edit", 3), ("rubbish", 2)])
def test_a_line_that_is_changed_or_gone_shows(path: Path, change: str, line: int) -> None:
    audit = Audit(path).open()
    for number in range(4):
        audit.note("command", "mqtt", id=f"a{number}")
    lines = path.read_text().splitlines()
    if change == "drop":
        del lines[1]
    elif change == "edit":
        lines[1] = lines[1].replace('"a1"', '"b1"')  # in its quotes: a digest in the line may hold an a1 too
    else:
        lines[1] = "rubbish"
    path.write_text("\n".join(lines) + "\n")
    assert next(verify(path)).startswith(f"line {line}: ")


def test_old_lines_go_and_the_rest_still_holds_together(path: Path) -> None:
    audit = Audit(path).open()
    for number in range(3):
        audit.note("command", "mqtt", id=f"a{number}")
    aged = path.read_text().splitlines()
    aged[0] = json.dumps(json.loads(aged[0]) | {"utc": "2020-01-01T00:00:00Z"})
    path.write_text("\n".join(aged) + "\n")
    Audit(path, keep_days=30).open().note("command", "mqtt", id="a3")
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["a1", "a2", "a3"]
    assert list(verify(path)) == []


def test_a_line_that_the_power_cut_short_spoils_no_other(path: Path) -> None:
    audit = Audit(path).open()
    audit.note("command", "mqtt", id="a0")
    with path.open("a") as file:
        file.write('{"utc":"2026-')
    again = Audit(path).open()
    again.note("command", "mqtt", id="a1")
    assert [entry["id"] for entry in again.recent("command", 0)] == ["a0", "a1"]
    assert list(verify(path)) == ["line 2: is no line of this log"]


def test_one_that_cannot_be_written_says_so(path: Path) -> None:
    path.parent.mkdir()
    path.mkdir()
    with pytest.raises(AuditError, match=r"audit.path .*audit.jsonl: .*Is a directory"):
        Audit(path).open()
    assert os.listdir(path) == []


def test_any_text_stays_in_its_line(path: Path) -> None:
    """splitlines() also breaks at U+2028: an entry with one in it was two lines that did not follow each other."""
    texts = ["a\u2028b", "a\x85b", "a\nb", "half \ud800"]
    audit = Audit(path).open()
    for text in texts:
        audit.note("command", "mqtt", why=text)
    again = Audit(path).open()
    again.note("command", "mqtt", why="last")
    assert list(verify(path)) == []
    assert [entry["why"] for entry in again.recent("command", 0)] == [*texts, "last"]


def test_a_line_that_nests_without_end_is_a_damaged_line(path: Path) -> None:
    """Its RecursionError kept the unit from starting."""
    path.parent.mkdir(parents=True)
    path.write_text("[" * 100_000 + "\n")
    Audit(path).open().note("command", "mqtt", id="a")
    assert list(verify(path)) == ["line 1: is no line of this log"]
