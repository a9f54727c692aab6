"""YAML from outside: plain data, or a YAMLError; each case here came out of the fuzzer as another exception, or as none at all."""

from __future__ import annotations

from itertools import pairwise

import pytest
import yaml

from alpr.document import DEEPEST, read

BOMB = "a: &a [1, 1]\n" + "".join(f"{name}: &{name} [*{before}, *{before}]\n" for before, name in pairwise("abcdefghijklmnopqrstuvwxyz"))


def test_plain_data_as_it_is_written() -> None:
    """Keys are text: YAML makes false of the country NO, and 83 of 0123. A date is text too, for nothing of ours is one."""
    assert read("NO: 1\n0123: [yes, ~, 0x10, 1.5]\nsince: 2024-02-28\n") == {"NO": 1, "0123": [True, None, 16, 1.5], "since": "2024-02-28"}
    assert read("") is None
    assert read("a: &a [1]\nb: *a\n") == {"a": [1], "b": [1]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "expected the node content"),
        ("a: !!int x", "'x' is no int"),
        ("a: !!int ''", "'' is no int"),
        ("a: !!float ''", "'' is no float"),
        ("a: !!bool maybe", "'maybe' is no bool"),
        (f"a: {'9' * 5000}", "is no int"),
        (f"a: 0x{'f' * 5000}", "an integer of 20000 bits, expected at most 64"),
        ('a: "\\ud800"', "half of a character"),
        ('"\\ud800": 1', "half of a character"),
        ("[a]: 1", "expected a word as the key"),
        ("a: &a [*a]", "holds itself"),
        ("a: " + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nests too deep"),
        ("a: " + "[" * 5000, "nests too deep"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
    ],
    ids=range(14),
)
def test_what_is_none_is_a_yaml_error(text: str, says: str) -> None:
    with pytest.raises(yaml.YAMLError, match=says):
        read(text)


def test_a_day_that_no_calendar_has_is_a_text() -> None:
    """PyYAML took `site: 2024-02-30` for a date and raised ValueError, at the start of a unit too."""
    assert read("site: 2024-02-30") == {"site": "2024-02-30"}


def test_aliases_of_aliases_fill_no_memory() -> None:
    """26 lines that hold 2 to the power of 26 values: reading such a config ended only with the memory."""
    with pytest.raises(yaml.YAMLError, match="more than 10000 values") as caught:
        read(BOMB)
    assert caught.value.problem_mark is not None  # type: ignore[attr-defined]
