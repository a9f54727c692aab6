"""No grammar talks a reader out of what it saw: what a text may change into, and down to which odds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import alpr
from alpr.decode import BLANK
from alpr.evidence import LOOKALIKE_RATIO, OTHER_RATIO, best_path, least_log_ratios
from alpr.syntax import Grammar
from alpr.types import ALPHABET
from tests.alpr.lattices import lattice

VN = Grammar.load(Path(alpr.__file__).parent / "regions", ["VN"])


@pytest.mark.parametrize(("probability", "expected"), [(LOOKALIKE_RATIO * 1.2, "51F73420"), (LOOKALIKE_RATIO * 0.5, "51F7342O")])
def test_a_lookalike_is_exchanged_only_down_to_its_ratio(probability: float, expected: str) -> None:
    rows = np.full((10, BLANK + 1), 1e-7, np.float32)
    rows[range(8), [ALPHABET.index(char) for char in "51F7342O"]] = 1
    rows[8:, BLANK] = 1
    rows[7, 0] = probability
    assert VN.parse(rows)[0].text == expected


@pytest.mark.parametrize(("probability", "expected"), [(OTHER_RATIO * 1.2, "51F73420"), (OTHER_RATIO * 0.8, "51F7342X")])
def test_characters_that_do_not_look_alike_need_more(probability: float, expected: str) -> None:
    rows = np.full((10, BLANK + 1), 1e-7, np.float32)
    rows[range(8), [ALPHABET.index(char) for char in "51F7342X"]] = 1
    rows[8:, BLANK] = 1
    rows[7, 0] = probability
    assert VN.parse(rows)[0].text == expected


@pytest.mark.parametrize(
    ("text", "doubts", "expected"),
    [
        ("SIF73Z2O", {0: {"5": 0.4}, 1: {"1": 0.4}, 5: {"2": 0.4}, 7: {"0": 0.4}}, "51F73220"),
        ("51F7XKM0", {4: {"3": 0.4}, 5: {"4": 0.4}}, "51F7XKM0"),
        ("51F7XK20", {4: {"3": 0.4}, 5: {"4": 0.4}}, "51F73420"),
        ("51F7XKV0", {4: {"3": 0.4}, 5: {"4": 0.4}, 6: {"2": 0.4}}, "51F7XKV0"),
    ],
    ids=["four-lookalikes", "one-impossible", "two-others", "three-others"],
)
def test_a_doubtful_text_may_change_in_lookalikes_but_is_not_replaced(text: str, doubts: dict, expected: str) -> None:
    assert VN.parse(lattice(text, doubts=doubts))[0].text == expected


def test_the_readers_own_text_ends_at_its_first_blank() -> None:
    rows = lattice("51F73420")
    assert "".join(ALPHABET[i] for i in best_path(rows)) == "51F73420"
    rows[3] = 0
    rows[3, BLANK] = 1
    assert "".join(ALPHABET[i] for i in best_path(rows)) == "51F"


def test_a_regions_lookalikes_stand_beside_the_common_ones() -> None:
    least = least_log_ratios(["YJ"])
    at = ALPHABET.index
    assert least[at("Y"), at("J")] == least[at("0"), at("O")] == pytest.approx(np.log(LOOKALIKE_RATIO))
    assert least_log_ratios([])[at("Y"), at("J")] == least[at("B"), at("K")] == pytest.approx(np.log(OTHER_RATIO))
