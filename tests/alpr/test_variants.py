"""Patterns as numbers: priors that sum to what a plate's being valid is worth, tables that say what the forms say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import alpr
from alpr.decode import BLANK
from alpr.patterns import Region, read
from alpr.types import ALPHABET
from alpr.variants import BEHIND, END, VALID, tables_of, variants_of

FOLDER = Path(alpr.__file__).parent / "regions"


def _region(code: str) -> Region:
    item = read(FOLDER / f"{code}.yaml")
    assert isinstance(item, Region)
    return item


def test_all_texts_together_have_the_prior_of_a_valid_plate() -> None:
    variants = list(variants_of([_region("VN"), _region("BR")], {"BR": 3.0}))
    mass = {code: sum(np.exp(v.log_prior) * v.form.texts for v in variants if v.region.code == code) for code in ("VN", "BR")}
    assert mass == pytest.approx({"VN": VALID / 4, "BR": VALID * 3 / 4})


def test_a_tables_rows_say_what_the_form_says() -> None:
    variants = list(variants_of([_region("BR")], {}))
    tables = tables_of(variants, 8)
    old = next(at for at, variant in enumerate(variants) if variant.pattern.name == "old")
    allowed = ["".join(ALPHABET[i] for i in np.flatnonzero(tables.masks[row][:BLANK])) for row in tables.rows[old][:7]]
    assert allowed == [ALPHABET[10:]] * 3 + [ALPHABET[:10]] * 4
    assert tables.lengths[old] == 7 and tables.rows[old, 7] == END and tables.masks[END].nonzero()[0].tolist() == [BLANK]


def test_words_have_a_row_of_their_own_where_they_may_start() -> None:
    """Vietnam's 81 provinces stand first, but behind the T of a temporary plate second."""
    variants = list(variants_of([_region("VN")], {}))
    tables = tables_of(variants, 11)
    provinces = [(int(span[0]), len(options)) for span, options in tables.words if len(options) == 81]
    assert sorted(provinces) == [(0, 81), (1, 81)]
    shortest = int(tables.lengths.min())
    assert (tables.rows[tables.lengths == shortest, shortest + 1 :] == BEHIND).all()
