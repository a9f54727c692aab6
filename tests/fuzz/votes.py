"""Votes over any reads with any weights, under any grammar: a plate that an event has room for, or none."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

import alpr
from alpr import decode
from alpr.decode import BLANK
from alpr.syntax import Grammar
from alpr.types import ALPHABET, Read
from alpr.vote import margin, vote, weakest
from edge.events import describe
from tests.alpr.lattices import lattice
from tests.edge.plates import IDENTITY, plate_event
from tests.fuzz.decode import poked, pokes, seeds
from tests.fuzz.target import Check, Target

REGIONS = Path(alpr.__file__).parent / "regions"
PLATES = ("51F73420", "59L213938", "ABC1234", "T5112345", "", "0", "OOOOOOOOOO", "1111111111")


def reads() -> Any:
    """A text more or less sure, noise, or both; then some numbers that are none."""
    sure = st.builds(
        lambda text, sure: lattice(text, sure), st.sampled_from(PLATES) | st.text(ALPHABET, max_size=10), st.floats(0.03, 0.9999)
    )
    noise = st.builds(
        lambda seed, flat, slots: np.random.default_rng(seed).dirichlet(np.full(BLANK + 1, flat), slots).astype(np.float32),
        seeds, st.floats(0.01, 10), st.integers(0, 14),
    )  # fmt: skip
    odd = st.builds(poked, noise, pokes)
    return st.builds(decode.read, sure | sure | noise | odd, st.floats(0, 1) | st.floats(), st.booleans())


def voted(folder: Path) -> Check:
    grammars = (Grammar.load(REGIONS, ["VN"]), Grammar.load(REGIONS, ["EU", "TW"]), Grammar([]))

    def check(given: tuple[list[tuple[Read, float]], int]) -> bool:
        heard, which = given
        weights = [weight for _, weight in heard]
        try:
            found = vote([read for read, _ in heard], weights, grammars[which])
        except ValueError as error:
            assert any(not isfinite(weight) or weight < 0 for weight in weights) and "expected" in str(error)
            return False
        numbers = [found.score, weakest(found), margin(found), found.region.score, *(each.score for each in found.candidates)]
        assert all(0 <= number <= 1 for number in numbers), numbers
        assert found.reads == len(heard) and found.agreeing <= found.reads and found.enhanced <= found.reads
        if found.plate and found.raw:
            describe(plate_event(vote=found), IDENTITY)
        return bool(found.plate)

    return check


weights = st.floats(0, 40) | st.sampled_from((0.0, 5e-324, 1e-300, 1e300)) | st.floats()

TARGETS = (Target("vote", st.tuples(st.lists(st.tuples(reads(), weights), max_size=5), st.integers(0, 2)), voted, quick=150),)
