"""Missing sequences, against a plain set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.fleet import gaps
from tools.fleet.gaps import Sequences


@given(st.lists(st.integers(1, 40), min_size=1, max_size=80))
def test_it_knows_what_a_set_knows(heard: list[int]) -> None:
    known, plain = Sequences(heard[0]), {heard[0]}
    for each in heard[1:]:
        new = each not in plain and each > heard[0]
        assert known.take(each) is new
        plain |= {each} if new else set()
        assert known.missing == max(plain) - min(plain) + 1 - len(plain)


def test_a_million_events_with_a_few_holes_take_no_room() -> None:
    known = Sequences(1)
    skipped = set(np.random.default_rng(0).integers(2, 100_000, 50).tolist())
    for each in range(2, 100_001):
        if each not in skipped:
            assert known.take(each)
    assert known.missing == len(skipped) and len(known._missing) <= len(skipped)


def test_more_holes_than_there_is_room_for_are_lost_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "MOST_RANGES", 3)
    known = Sequences(1)
    for each in range(3, 22, 2):
        known.take(each)
    assert known.missing == 10 and known.lost == 7
    assert not known.take(2), "given up"
    assert known.take(20) and known.missing == 9
