"""The tiny language of regions/*.yaml: what a pattern's form says, as fixed sequences of what may stand where."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from alpr.types import ALPHABET

DIGITS, LETTERS = ALPHABET[:10], ALPHABET[10:]
TOKEN = re.compile(r"\{(?P<set>\w+)\}(?P<o1>\??)|'(?P<literal>[A-Z0-9]+)'(?P<o2>\??)|(?P<bare>[9LX])(?P<o3>\??)|(?P<separator>[-. ·/])")
MOST_FORMS = 4096
"""Of one part of a form: each is scored against every lattice."""

Words = tuple[str, ...]  # what one element of a form may be: texts of equal length


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


def forms(text: str, sets: Mapping[str, tuple[Words, ...]]) -> tuple[Form, ...]:
    """Expand a pattern's form.

    `9` a digit, `L` a letter, `X` either (a set of that name narrows them), `{name}` one of a set, `'NG'` itself; `?` after
    one makes it optional; `-`, `.`, `·`, `/` and space are shown but not part of the text; `|` stands between alternatives.
    Forms that accept the same texts are one, which keeps the separators they agree on. Raises ValueError naming what it
    cannot read.
    """
    unique: dict[tuple[Words, ...], tuple[str, ...]] = {}
    for part in text.split("|"):
        for elements, separators in _expansions(_choices(part.strip(), sets)):
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
            raise ValueError(
                f"cannot read {text[at:]!r:.20} in {text!r:.80}; known are 9 L X {{set}} 'literal' ? | and separators - . · / space"
            )
        choices.append(_meant(token, sets))
        at = token.end()
    count = prod(map(len, choices))
    if count > MOST_FORMS:
        raise ValueError(f"{text!r:.80} expands into {count:,} forms, expected at most {MOST_FORMS:,}: each `?` doubles them")
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
        raise ValueError(f"no set is named {name!r:.40}; there are {', '.join(sorted(known))}")
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
