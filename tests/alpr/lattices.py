"""Lattices as a reader would give them, for the tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alpr import decode
from alpr.types import ALPHABET, F32, Read


def lattice(text: str, sure: float = 0.95, slots: int = 10, doubts: Mapping[int, Mapping[str, float]] | None = None) -> F32:
    """A text seen with probability `sure` a character; `doubts` names others at a position: they take from its own."""
    rows = np.full((slots, decode.BLANK + 1), (1 - sure) / decode.BLANK, np.float32)
    for slot in range(slots):
        own = ALPHABET.index(text[slot]) if slot < len(text) else decode.BLANK
        rows[slot, own] = sure
        for char, probability in (doubts or {}).get(slot, {}).items():
            rows[slot, ALPHABET.index(char)] = probability
            rows[slot, own] -= probability
    return rows / rows.sum(axis=1, keepdims=True)


def read(
    text: str, sure: float = 0.95, two_lines: float = 0.02, enhanced: bool = False, doubts: Mapping[int, Mapping[str, float]] | None = None
) -> Read:
    return decode.read(lattice(text, sure, doubts=doubts), two_lines, enhanced)
