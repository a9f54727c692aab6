"""Plate patterns as data: the tiny language of regions/*.yaml and the checked regions that come out of it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import yaml

from alpr.types import ALPHABET

DIGITS, LETTERS = ALPHABET[:10], ALPHABET[10:]
REQUIRED = {"name", "code", "source", "patterns", "examples", "counterexamples"}
OPTIONAL = {"weight", "sets", "lookalikes"}
GROUP = {"name", "code", "source", "members"}
LINES = {1: 0.0, "both": 0.5, 2: 1.0}
"""A pattern's `lines` → the probability that such a plate has two."""
TOKEN = re.compile(r"\{(?P<set>\w+)\}(?P<o1>\??)|'(?P<literal>[A-Z0-9]+)'(?P<o2>\??)|(?P<bare>[9LX])(?P<o3>\??)|(?P<separator>[-. ·/])")

Words = tuple[str, ...]  # what one element of a form may be: texts of equal length


class RegionError(ValueError):
    """A regions/*.yaml that cannot be used; the message says file, key, expected, found."""


@dataclass(frozen=True, slots=True)
class Form:
    """One fixed sequence of elements: every text that it accepts has the same length and the same separators."""

    elements: tuple[Words, ...]
    separators: tuple[str, ...]  # before each character, "" where there is none

    @property
    def texts(self) -> int:
        """How many texts it accepts."""
        return prod(len(words) for words in self.elements)

    def accepts(self, text: str) -> bool:
        start = 0
        for words in self.elements:
            if text[start : start + len(words[0])] not in words:
                return False
            start += len(words[0])
        return start == len(text)

    def display(self, text: str) -> str:
        """The text with its separators, e.g. 51F73420 → 51F-734.20."""
        return "".join(separator + char for separator, char in zip(self.separators, text, strict=True))


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
    sets = {name: _words(path, name, value) for name, value in (fields.get("sets") or {}).items()}
    patterns = tuple(_pattern(path, item, sets) for item in _expect(path, fields, "patterns", list))
    return Region(
        code=_expect(path, fields, "code", str),
        name=_expect(path, fields, "name", str),
        source=_expect(path, fields, "source", str),
        weight=_weight(path, fields),
        patterns=patterns,
        lookalikes=tuple(_expect(path, {"lookalikes": [], **fields}, "lookalikes", list)),
        examples={str(text): str(name) for text, name in _expect(path, fields, "examples", dict).items()},
        counterexamples=tuple(map(str, _expect(path, fields, "counterexamples", list))),
    )


def forms(text: str, sets: Mapping[str, tuple[Words, ...]]) -> tuple[Form, ...]:
    """Expand a pattern's form.

    `9` a digit, `L` a letter, `X` either (a set of that name narrows them), `{name}` one of a set, `'NG'` itself; `?` after
    one makes it optional; `-`, `.`, `·`, `/` and space are shown but not part of the text. Forms that accept the same texts
    are one, which keeps the separators they agree on. Raises ValueError naming what it cannot read.
    """
    unique: dict[tuple[Words, ...], tuple[str, ...]] = {}
    for elements, separators in _expansions(_choices(text, sets)):
        known = unique.get(elements, separators)
        unique[elements] = tuple(a if a == b else "" for a, b in zip(known, separators, strict=True))
    return tuple(Form(elements, separators) for elements, separators in unique.items() if elements)


def _choices(text: str, sets: Mapping[str, tuple[Words, ...]]) -> list[list[Words | str | None]]:
    """Each token of a form as what may stand there: words, a separator (str), or nothing (None)."""
    choices: list[list[Words | str | None]] = []
    at = 0
    while at < len(text):
        token = TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"cannot read {text[at:]!r} in {text!r}; known are 9 L X {{set}} 'literal' ? and separators - . · / space")
        choices.append(_meant(token, sets))
        at = token.end()
    return choices


def _meant(token: re.Match[str], sets: Mapping[str, tuple[Words, ...]]) -> list[Words | str | None]:
    if token["separator"]:
        return [token["separator"]]
    optional: list[Words | str | None] = [None] if token["o1"] or token["o2"] or token["o3"] else []
    if token["literal"]:
        return [(token["literal"],), *optional]
    name = token["set"] or token["bare"]
    known = {"9": (tuple(DIGITS),), "L": (tuple(LETTERS),), "X": (tuple(ALPHABET),), **sets}
    if name not in known:
        raise ValueError(f"no set is named {name!r}; there are {', '.join(sorted(known))}")
    return [*known[name], *optional]


def _expansions(choices: list[list[Words | str | None]]) -> Iterator[tuple[tuple[Words, ...], tuple[str, ...]]]:
    for chosen in itertools.product(*choices):
        elements: list[Words] = []
        separators: list[str] = []
        pending = ""
        for item in chosen:
            if isinstance(item, str):
                pending = item
            elif item is not None:
                # a single word is as many single characters, which are cheaper to score
                elements += [item] if len(item) > 1 else [(char,) for char in item[0]]
                separators += [pending if separators else "", *[""] * (len(item[0]) - 1)]
                pending = ""
        yield tuple(elements), tuple(separators)


def _words(path: Path, name: str, value: Any) -> tuple[Words, ...]:
    """A set: `ABC` is any of its characters, `AB CD 14-19` any of its words; words of one length make one element."""
    if not isinstance(value, str) or not value:
        raise RegionError(f"{path}: sets.{name} is {value!r}, expected a quoted string of characters, or of words with spaces between")
    words = list(value) if " " not in value else [word for part in value.split() for word in _range(part)]
    wrong = [word for word in words if not set(word) <= set(ALPHABET)]
    if wrong:
        raise RegionError(f"{path}: sets.{name} holds {', '.join(wrong)}; only A-Z and 0-9 may be in a plate's text")
    return tuple(tuple(dict.fromkeys(group)) for _, group in itertools.groupby(sorted(words, key=len), key=len))


def _range(part: str) -> list[str]:
    first, dash, last = part.partition("-")
    return [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)] if dash and (first + last).isdigit() else [part]


def _pattern(path: Path, item: Any, sets: Mapping[str, tuple[Words, ...]]) -> Pattern:
    if not isinstance(item, dict) or not {"name", "form"} <= set(item) <= {"name", "form", "lines", "weight"}:
        raise RegionError(f"{path}: patterns: {item!r}, expected name, form, and perhaps lines and weight")
    where = f"{path}: pattern {item['name']}"
    lines = item.get("lines", 1)
    if lines not in LINES:
        raise RegionError(f"{where}: lines is {lines!r}, expected 1, 2 or both")
    try:
        expanded = forms(str(item["form"]), sets)
    except ValueError as error:
        raise RegionError(f"{where}: form: {error}") from error
    return Pattern(str(item["name"]), LINES[lines], _weight(where, item), expanded)


def _fields(path: Path) -> dict[str, Any]:
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
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
    if not isinstance(value, kind) or not (value or key == "lookalikes"):
        raise RegionError(f"{path}: {key} is {value!r}, expected a {kind.__name__} that is not empty")
    return value


def _weight(where: Path | str, fields: Mapping[str, Any]) -> float:
    weight = fields.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not weight > 0:
        raise RegionError(f"{where}: weight is {weight!r}, expected a number above 0")
    return float(weight)
