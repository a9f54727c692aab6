"""Listed plates against lattices: what is read surely, what is in doubt, and what has a character too few or too many."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from alpr.matching import Matcher
from alpr.syntax import Grammar
from alpr.vote import vote
from tests.alpr.lattices import read

GRAMMAR = Grammar.load(Path(__file__).parents[2] / "alpr/regions", ["VN", "TW"])
PLATES = ("51F73420", "51F73428", "30A12345", "ABC1234", "XX99XX99")


def probabilities(
    text: str, sure: float = 0.99, doubts: Mapping[int, Mapping[str, float]] | None = None, plates: tuple[str, ...] = PLATES
) -> dict[str, float]:
    heard = vote([read(text, sure, doubts=doubts)], None, GRAMMAR)
    return dict(zip(plates, Matcher(plates, GRAMMAR)(heard).tolist(), strict=True))


def test_a_sure_read_is_its_plate_and_no_other() -> None:
    found = probabilities("51F73420")
    assert found["51F73420"] > 0.9
    assert max(found[plate] for plate in PLATES[1:]) < 0.001


def test_doubt_is_shared_as_the_reader_shares_it() -> None:
    """0 and 8 in the last place, 60 to 39: every other place is sure, so the two plates have nearly that between them."""
    found = probabilities("51F73420", 0.999, doubts={7: {"8": 0.39}})
    assert found["51F73420"] == pytest.approx(0.61, abs=0.03) and found["51F73428"] == pytest.approx(0.39, abs=0.03)


def test_a_misread_plate_keeps_what_its_runner_up_has() -> None:
    """An edit distance cannot tell a doubtful character from a sure one."""
    doubtful = probabilities("51F73428", 0.999, doubts={7: {"0": 0.1}}, plates=("51F73420",))["51F73420"]
    sure = probabilities("51F73428", 0.999, plates=("51F73420",))["51F73420"]
    assert doubtful == pytest.approx(0.1, abs=0.02) and sure < 0.001


def test_a_character_that_no_plate_can_have_there_costs_little() -> None:
    """The reader says O where Vietnam has digits alone, and leaves the 0 two hundredths: the grammar makes most of it."""
    assert probabilities("51F7342O", 0.999, doubts={7: {"0": 0.02}})["51F73420"] > 0.5


@pytest.mark.parametrize("seen", ["5F73420", "51F7320", "551F73420", "51F734420"])
def test_a_dropped_or_doubled_character_leaves_more_than_a_wrong_one(seen: str) -> None:
    gapped, wrong = probabilities(seen, 0.9999), probabilities("51F75620", 0.9999)
    assert gapped["51F73420"] > 100 * wrong["51F73420"]


def test_a_plate_of_no_loaded_country_is_found_where_it_is_read() -> None:
    found = probabilities("XX99XX99", 0.999)
    assert found["XX99XX99"] > 0.5 > 0.01 > found["51F73420"]


def test_probabilities_are_none_above_one_and_of_disjoint_texts_sum_to_one_at_most() -> None:
    rng = np.random.default_rng(3)
    plates = tuple(f"51F{number:05}" for number in rng.choice(100_000, 300, replace=False))
    for _ in range(20):
        doubts = {place: {str(rng.integers(10)): float(rng.uniform(0, 0.45))} for place in range(3, 8)}
        found = probabilities("51F73420", 0.95, doubts=doubts, plates=(*plates, "51F73420"))
        assert min(found.values()) >= 0 and sum(found.values()) <= 1 + 1e-6


def test_silence_names_nobody() -> None:
    assert Matcher(PLATES, GRAMMAR)(vote([read("")], None, GRAMMAR)).tolist() == [0.0] * len(PLATES)


def test_what_is_no_plate_is_refused() -> None:
    with pytest.raises(ValueError, match="'51F-1', expected characters of A-Z0-9"):
        Matcher(["51F-1"], GRAMMAR)
