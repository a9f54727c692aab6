"""A country's file, edited, and patterns of any text: refused with a message, or a grammar that scores what it says it accepts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

import alpr
from alpr.decode import BLANK
from alpr.patterns import Group, Region, RegionError, read
from alpr.syntax import Grammar
from tests.fuzz.mutations import edited
from tests.fuzz.target import Check, Target

FOLDER = Path(alpr.__file__).parent / "regions"
NOWHERE = """\
name: Nowhere
code: XX
source: the test
weight: 2
sets:
  L: ABC
  town: "AB CDE 07-09"
lookalikes: ["0O", "8B"]
patterns:
  - {name: car, form: "{town}-L9", lines: both}
  - name: other
    form: "LL?-9?9X"
    lines: 2
    weight: 0.5
examples:
  AB-C1: car
counterexamples: [AB1]
"""
TOKENS = (
    "9",
    "L",
    "X",
    "{town}",
    "{n}",
    "'NG'",
    "?",
    "-",
    ".",
    "·",
    " ",
    "/",
    "9?",
    "L?",
    "{town}?",
    "'A'?",
    "{",
    "'",
    "ß",
    "²",
    "|",
    "9" * 50,
    "9?" * 12,
)


def region(folder: Path) -> Check:
    path = folder / "XX.yaml"

    def check(text: str) -> bool:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            found = read(path)
        except RegionError as error:
            assert str(path) in str(error) and len(str(error)) < 3000
            str(error).encode()
            return False
        if isinstance(found, Region):
            _scores(found)
        else:
            assert isinstance(found, Group) and found.members
        return True

    return check


def form(folder: Path) -> Check:
    """A form of any tokens in an otherwise good country."""
    check_region = region(folder)
    return lambda tokens: check_region(NOWHERE.replace('"{town}-L9"', _quoted("".join(tokens))))


def _quoted(form: str) -> str:
    return "'" + form.replace("'", "''") + "'"


def _scores(found: Region) -> None:
    """Noise parses to probabilities, and a text of each form is one that the grammar knows."""
    grammar = Grammar([found])
    rows = np.random.default_rng(0).dirichlet(np.full(BLANK + 1, 0.3), 8).astype(np.float32)
    for parse in grammar.parse(rows):
        assert 0 <= parse.score <= 1
    for pattern in found.patterns:
        for each in pattern.forms[:3]:
            text = "".join(words[0] for words in each.elements)
            assert each.accepts(text) and len(each.display(text)) >= len(text)
            assert len(text) > 60 or grammar.match(text).matches


shipped = st.sampled_from(("VN", "EU", "TW")).flatmap(lambda code: edited((FOLDER / f"{code}.yaml").read_text(encoding="utf-8"), 2))

TARGETS = (
    Target("region", edited(NOWHERE, 3) | edited(NOWHERE, 1) | edited(NOWHERE, 1) | shipped, region, quick=100),
    Target("pattern", st.lists(st.sampled_from(TOKENS), max_size=40), form, quick=150),
)
