"""What one lattice says for the variants that it admits: the best text of each, and the probability of all its texts.

A lattice's rows are independent and a text ends at its first blank, so the best text under a pattern of fixed length is the
best allowed character of each slot, and its mass is the product of the slots' allowed mass: both are masked maxima and sums.

A reader's probabilities are overconfident and its errors come together. So a variant's text is admitted only if *each*
character that it changes keeps LOOKALIKE_RATIO of what the reader gave its own, or OTHER_RATIO where the two don't look
alike, or where a character appears or goes: MOST_OTHERS of these at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from alpr.decode import BLANK
from alpr.types import ALPHABET, F32
from alpr.variants import BEHIND, Tables

LOOKALIKE_RATIO = 1 / 50
"""One swap of look-alikes may stand against the odds of VALID, no more; 1/50 is also where a reader's doubt ends."""
OTHER_RATIO = 1 / 4
MOST_OTHERS = 2
"""With more changes of the latter kind it is not the plate that was read, however flat the lattice."""
LOOKALIKES = ("0ODQ", "1ILJ", "1T7", "2Z7", "83B", "68B", "5S", "6G", "0OCG", "4A", "09", "39", "UVY", "MNH", "MW", "PR", "EF", "KX")
FLOOR = 1e-9
FREE = BLANK + 1  # a slot behind the end: anything, at no cost


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one lattice says for the variants that it admits."""

    variants: NDArray[np.intp]  # (v,) which
    chars: NDArray[np.intp]  # (v, slots) best text, FREE behind its end
    log_text: NDArray[np.float64]  # (v,) of that text
    log_mass: NDArray[np.float64]  # (v,) of all its texts


def best_path(lattice: F32) -> NDArray[np.intp]:
    """The best character of each slot up to the first blank, as alphabet indices: what the reader says by itself."""
    best: NDArray[np.intp] = lattice.argmax(axis=1)
    ends = np.flatnonzero(best == BLANK)
    return best[: ends[0]] if len(ends) else best


def least_log_ratios(lookalikes: Iterable[str]) -> NDArray[np.float64]:
    """[read, changed to] → the log-ratio that the change must keep; a region's look-alikes stand beside the common ones."""
    least = np.full((FREE + 1, FREE + 1), log(OTHER_RATIO))
    for group in (*LOOKALIKES, *lookalikes):
        index = [ALPHABET.index(char) for char in group]
        least[np.ix_(index, index)] = log(LOOKALIKE_RATIO)
    return least


def weigh(log_lattice: NDArray[np.float64], raw: NDArray[np.intp], tables: Tables, least: NDArray[np.float64]) -> Evidence:
    """The evidence of a log-lattice (slots, 37) whose best path is `raw`, for the variants that stay within `least` of it."""
    slots = tables.rows.shape[1]
    log_p = _fit(log_lattice, slots)
    own = np.full(slots, FREE)
    own[: len(raw) + 1] = [*raw, BLANK][:slots]
    slot = np.arange(slots)
    own_log = np.where(own == FREE, 0, log_p[slot, np.minimum(own, BLANK)])
    may_end = log_p[:, BLANK] - own_log >= least[own, BLANK]
    may_end |= own == BLANK
    near = np.flatnonzero(may_end[tables.lengths])
    chars, logs, masses = _best_rows(log_p, may_end, tables)
    rows = tables.rows[near]
    text, log_text = chars[rows, slot], logs[rows, slot]
    changed = (text != own) & ((text < BLANK) | (own < BLANK))
    asked = least[own, text]
    bearable = (log_text - own_log >= asked) | (text == FREE)
    others = (changed & (asked > log(LOOKALIKE_RATIO))).sum(axis=1)
    fits = (bearable | ~changed).all(axis=1) & (others <= MOST_OTHERS)
    return Evidence(near[fits], text[fits], log_text[fits].sum(axis=1), masses[rows[fits], slot].sum(axis=1))


def _best_rows(
    log_p: NDArray[np.float64], may_end: NDArray[np.bool_], tables: Tables
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Of each class and word at each slot: the best character, its log-probability, and the log-mass of all."""
    chars, logs, masses = _class_rows(log_p, tables.masks, len(tables.words))
    for at in np.flatnonzero((tables.word_lengths & may_end).any(axis=1)):
        span, options = tables.words[at]
        each = log_p[span, options]  # (words, letters)
        whole = each.sum(axis=1)
        best = whole.argmax()
        row = len(tables.masks) + at
        chars[row, span], logs[row, span] = options[best], each[best]
        masses[row, span[0]] = np.log(np.exp(whole).sum() + FLOOR)
    return chars, logs, masses


def _class_rows(
    log_p: NDArray[np.float64], masks: NDArray[np.bool_], words: int
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """For each class at each slot: best character, its log-probability and the class's log-mass; `words` rows more, empty."""
    slots = len(log_p)
    best = np.where(masks[:, None, :], log_p, -np.inf).argmax(axis=2)
    chars = np.full((len(masks) + words, slots), FREE)
    logs, masses = np.zeros(chars.shape), np.zeros(chars.shape)
    chars[: len(masks)] = best
    logs[: len(masks)] = log_p[np.arange(slots), best]
    masses[: len(masks)] = np.log(masks.astype(np.float64) @ np.exp(log_p).T + FLOOR)
    chars[BEHIND], logs[BEHIND], masses[BEHIND] = FREE, 0, 0
    return chars, logs, masses


def _fit(log_p: NDArray[np.float64], slots: int) -> NDArray[np.float64]:
    """A log-lattice cut or lengthened to a number of slots; behind its last slot a text has surely ended."""
    fitted = np.full((slots, BLANK + 1), log(FLOOR))
    fitted[:, BLANK] = 0
    fitted[: len(log_p)] = log_p[:slots]
    return fitted
