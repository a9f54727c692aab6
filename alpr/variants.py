"""The patterns of some regions as numbers: every form a variant with its prior, and arrays that score all variants at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from alpr.decode import BLANK
from alpr.forms import Form, Words
from alpr.patterns import Pattern, Region
from alpr.types import ALPHABET

VALID = 0.98
"""Prior: of the plates that pass a unit, few are foreign, personal or wrongly cut. Odds 49 to 1."""
END, BEHIND = 0, 1
"""The first rows of the classes: a text's end, and what is behind it."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A form with whose it is."""

    region: Region
    pattern: Pattern
    form: Form
    log_prior: float  # of one of its texts


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The variants as numbers."""

    rows: NDArray[np.intp]  # (variants, slots): which row of the classes, then of the words, each slot is of
    lengths: NDArray[np.intp]  # (variants,)
    masks: NDArray[np.bool_]  # (classes, 37): what each class allows; END and BEHIND first
    words: tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]  # slots (letters,), words (n, letters)
    word_lengths: NDArray[np.bool_]  # (words, slots): text lengths that have need of each


def variants_of(regions: Sequence[Region], weights: Mapping[str, float]) -> Iterable[Variant]:
    """Every form of the regions; a region's weight is its own where `weights` has none for its code."""
    chosen = {item.code: weights.get(item.code, item.weight) for item in regions}
    for item in regions:
        share = VALID * chosen[item.code] / sum(chosen.values()) / sum(pattern.weight for pattern in item.patterns)
        for pattern in item.patterns:
            for form in pattern.forms:
                yield Variant(item, pattern, form, log(share * pattern.weight / len(pattern.forms)) - log(form.texts))


def tables_of(variants: Sequence[Variant], slots: int) -> Tables:
    """Single characters are classes, shared by all slots; longer words have a row for each place where they may start."""
    classes: dict[Words, int] = {}
    words: dict[tuple[Words, int], int] = {}
    placed = list(_places(variants))
    for _, start, element in placed:
        if len(element[0]) == 1:
            classes.setdefault(element, len(classes) + 2)
        else:
            words.setdefault((element, start), len(words))
    masks = np.zeros((len(classes) + 2, BLANK + 1), bool)
    masks[END, BLANK] = True
    for element, row in classes.items():
        masks[row, [ALPHABET.index(char) for char in element]] = True
    lengths = np.array([len(variant.form.separators) for variant in variants], np.intp)
    rows = np.full((len(variants), slots), BEHIND, np.intp)
    rows[np.arange(len(variants)), lengths] = END
    serves = np.zeros((len(words), slots), bool)
    for at, start, element in placed:
        if len(element[0]) == 1:
            rows[at, start] = classes[element]
        else:
            rows[at, start : start + len(element[0])] = len(masks) + words[element, start]
            serves[words[element, start], lengths[at]] = True
    return Tables(rows, lengths, masks, tuple(_spelled(element, start) for element, start in words), serves)


def _places(variants: Sequence[Variant]) -> Iterable[tuple[int, int, Words]]:
    for at, variant in enumerate(variants):
        start = 0
        for element in variant.form.elements:
            yield at, start, element
            start += len(element[0])


def _spelled(words: Words, start: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.arange(start, start + len(words[0])), np.array([[*map(ALPHABET.index, word)] for word in words])
