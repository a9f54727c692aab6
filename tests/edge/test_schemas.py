"""The shipped schemas as the standard means them."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from edge.schemas import strict

NAMES = sorted(file.name for file in (files("edge") / "schemas").iterdir() if file.name.endswith(".json"))


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_one_and_its_patterns_mean_the_whole_text(name: str) -> None:
    """`strict` knows `$` at the end of a pattern and nowhere else."""
    text = (files("edge") / "schemas" / name).read_text(encoding="utf-8")
    strict(json.loads(text))
    for line in text.splitlines():
        _, is_there, pattern = line.partition('"pattern": "')
        if is_there and (pattern := pattern.partition('"')[0]) and "$" in pattern:
            assert pattern.count("$") == 1 and pattern.endswith("$") and pattern.startswith("^"), pattern


def test_a_line_break_behind_a_text_is_seen() -> None:
    """In Python's patterns `$` stands before a last line break too: "51F73420\\n" was a plate, and "a-1\\n" an id like "a-1"."""
    plate = strict({"type": "string", "pattern": "^[A-Z0-9]*$"})
    assert plate.is_valid("51F73420") and plate.is_valid("")
    assert not plate.is_valid("51F73420\n") and not plate.is_valid("51F-73420")
    assert "does not match" in next(plate.iter_errors("a\n")).message


def test_a_day_that_no_calendar_has_is_no_moment() -> None:
    moment = strict({"type": "string", "format": "date-time"})
    assert moment.is_valid("2024-02-29T10:00:00.000Z")
    assert not any(map(moment.is_valid, ("2024-02-30T10:00:00.000Z", "0000-01-01T00:00:00.000Z", "2024-02-29T10:00:00", "now")))
