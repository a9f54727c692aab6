"""Plate patterns as data: regions/*.yaml read and checked."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alpr import document
from alpr.forms import Form, Words, forms
from alpr.types import ALPHABET

REQUIRED = {"name", "code", "source", "patterns", "examples", "counterexamples"}
OPTIONAL = {"weight", "sets", "lookalikes"}
GROUP = {"name", "code", "source", "members"}
LINES = {1: 0.0, "both": 0.5, 2: 1.0}
"""A pattern's `lines` → the probability that such a plate has two."""
MOST_NUMBERS = 10_000
"""In a range of a set: each is a word of its own."""
HEAVIEST = 1_000_000
"""Of weights: with infinite or vanishing ones no share is a number."""


class RegionError(ValueError):
    """A regions/*.yaml that cannot be used; the message says file, key, expected, found."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of plate of a region."""

    name: str
    two_lines: float  # probability that such a plate has two lines
    weight: float  # its share among the region's patterns, in any unit
    forms: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """A country's plates, from one YAML file."""

    code: str
    name: str
    source: str
    weight: float
    patterns: tuple[Pattern, ...]
    lookalikes: tuple[str, ...]  # groups of characters that its type face draws alike, beside the common ones
    examples: Mapping[str, str]  # as displayed → name of the pattern
    counterexamples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Countries that one code names together, from one YAML file."""

    code: str
    name: str
    source: str  # of the shares
    weight: float
    members: Mapping[str, float]  # code → its share of the group's weight, in any unit


def read(path: Path) -> Region | Group:
    """Read and check one regions/*.yaml: a country, or a group that has `members`. Raises RegionError."""
    fields = _fields(path)
    return _group(path, fields) if "members" in fields else _region(path, fields)


def _group(path: Path, fields: dict[str, Any]) -> Group:
    members = _expect(path, fields, "members", dict)
    return Group(
        code=_expect(path, fields, "code", str),
        name=_expect(path, fields, "name", str),
        source=_expect(path, fields, "source", str),
        weight=_weight(path, fields),
        members={str(code): _weight(f"{path}: members: {code}", {"weight": share}) for code, share in members.items()},
    )


def _region(path: Path, fields: dict[str, Any]) -> Region:
    sets = {name: _words(path, name, value) for name, value in _expect(path, {"sets": {}, **fields}, "sets", dict).items()}
    patterns = tuple(_pattern(path, item, sets) for item in _expect(path, fields, "patterns", list))
    return Region(
        code=_expect(path, fields, "code", str),
        name=_expect(path, fields, "name", str),
        source=_expect(path, fields, "source", str),
        weight=_weight(path, fields),
        patterns=patterns,
        lookalikes=_lookalikes(path, _expect(path, {"lookalikes": [], **fields}, "lookalikes", list)),
        examples={str(text): str(name) for text, name in _expect(path, fields, "examples", dict).items()},
        counterexamples=tuple(map(str, _expect(path, fields, "counterexamples", list))),
    )


def _lookalikes(path: Path, groups: list[Any]) -> tuple[str, ...]:
    for group in groups:
        if not isinstance(group, str) or not set(group) <= set(ALPHABET):
            raise RegionError(f"{path}: lookalikes: {group!r:.80}, expected quoted characters of A-Z and 0-9")
    return tuple(groups)


def _words(path: Path, name: str, value: Any) -> tuple[Words, ...]:
    """A set: `ABC` is any of its characters, `AB CD 14-19` any of its words; words of one length make one element."""
    if not isinstance(value, str) or not value.strip():
        raise RegionError(f"{path}: sets.{name} is {value!r:.80}, expected a quoted string of characters, or of words with spaces between")
    words = list(value) if " " not in value else [word for part in value.split() for word in _range(path, name, part)]
    wrong = [word for word in words if not set(word) <= set(ALPHABET)]
    if wrong:
        raise RegionError(f"{path}: sets.{name} holds {', '.join(wrong):.80}; only A-Z and 0-9 may be in a plate's text")
    return tuple(tuple(dict.fromkeys(group)) for _, group in itertools.groupby(sorted(words, key=len), key=len))


def _range(path: Path, name: str, part: str) -> list[str]:
    numbers = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", part)
    if numbers is None:
        return [part]
    first, last = numbers.groups()
    if not 0 <= int(last) - int(first) < MOST_NUMBERS:
        raise RegionError(f"{path}: sets.{name} holds {part}, expected the lower number first, and at most {MOST_NUMBERS} of them")
    return [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]


def _pattern(path: Path, item: Any, sets: Mapping[str, tuple[Words, ...]]) -> Pattern:
    if not isinstance(item, dict) or not {"name", "form"} <= set(item) <= {"name", "form", "lines", "weight"}:
        raise RegionError(f"{path}: patterns: {item!r:.80}, expected name, form, and perhaps lines and weight")
    where = f"{path}: pattern {item['name']!s:.80}"
    lines = item.get("lines", 1)
    if lines not in tuple(LINES):
        raise RegionError(f"{where}: lines is {lines!r:.80}, expected 1, 2 or both")
    try:
        expanded = forms(str(item["form"]), sets)
    except ValueError as error:
        raise RegionError(f"{where}: form: {error}") from error
    if not expanded:
        raise RegionError(f"{where}: form is {item['form']!r:.80}, expected one that has characters")
    return Pattern(str(item["name"]), LINES[lines], _weight(where, item), expanded)


def _fields(path: Path) -> dict[str, Any]:
    try:
        fields = document.read(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise RegionError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(fields, dict):
        raise RegionError(f"{path}: expected a mapping, found {type(fields).__name__}")
    required, optional = (GROUP, {"weight"}) if "members" in fields else (REQUIRED, OPTIONAL)
    lacking, unknown = required - set(fields), set(fields) - required - optional
    if lacking or unknown:
        raise RegionError(f"{path}: lacks {sorted(lacking)}, does not know {sorted(map(str, unknown))}")
    return fields


def _expect(path: Path, fields: Mapping[str, Any], key: str, kind: type) -> Any:
    value = fields[key]
    if not isinstance(value, kind) or not (value or key in OPTIONAL):
        raise RegionError(f"{path}: {key} is {value!r:.80}, expected a {kind.__name__} that is not empty")
    return value


def _weight(where: Path | str, fields: Mapping[str, Any]) -> float:
    weight = fields.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 1 / HEAVIEST <= weight <= HEAVIEST:
        raise RegionError(f"{where}: weight is {weight!r:.80}, expected a number above 0, neither below 1/{HEAVIEST} nor above {HEAVIEST}")
    return float(weight)
