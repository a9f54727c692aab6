"""The vote: known answers for what goes wrong with single frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alpr
from alpr.align import align, profile, rows
from alpr.syntax import Grammar
from alpr.types import ALPHABET
from alpr.vote import margin, vote, weakest
from tests.alpr.lattices import lattice, read

GRAMMAR = Grammar.load(Path(alpr.__file__).parent / "regions", ["VN"])
NONE = Grammar([])
PLATE = "51F73420"


@pytest.mark.parametrize("grammar", [GRAMMAR, NONE], ids=["grammar", "none"])
@pytest.mark.parametrize(
    "texts",
    [
        [PLATE],
        [PLATE, PLATE, "99Z11111", PLATE, PLATE],
        [PLATE, "1F73420", PLATE],
        ["1F73420", PLATE, PLATE],
        [PLATE, "51F773420", PLATE],
        ["51F773420", PLATE, PLATE],
        ["51F7320", PLATE, "1F73420"],
        [PLATE, "51F7342", PLATE],
        [PLATE, "51F734200", PLATE],
        ["51F73426", "61F73420", "51F73A20", "51E73420"],
        [PLATE, "", ""],
    ],
    ids=["single", "bad", "dropped-first", "first-drops", "doubled", "first-doubles", "drops", "no-last", "extra", "one-each", "empty"],
)
def test_the_others_outvote_what_one_frame_got_wrong(texts: list[str], grammar: Grammar) -> None:
    voted = vote([read(text) for text in texts], None, grammar)
    assert voted.raw == voted.plate == PLATE
    assert voted.reads == len(texts) and voted.agreeing == texts.count(PLATE)
    assert "".join(char.char for char in voted.chars) == PLATE
    assert voted.region.matches == (grammar is GRAMMAR)


def test_a_single_read_keeps_its_own_probabilities() -> None:
    one = read(PLATE, 0.9)
    voted = vote([one], None, NONE)
    assert [char.score for char in voted.chars] == pytest.approx(one.scores.tolist(), abs=1e-5)
    assert voted.score == pytest.approx(0.9**9, rel=1e-3) and voted.candidates[0].text == PLATE


def test_eight_reads_that_agree_count_as_the_root_of_eight() -> None:
    def log_ratio(n: int) -> float:
        char = vote([read(PLATE, 0.9, doubts={4: {"8": 0.3}})] * n, None, NONE).chars[4]
        return float(np.log(char.score / char.others[0].score))

    assert log_ratio(1) == pytest.approx(np.log(0.6 / 0.3), abs=1e-3)
    assert log_ratio(8) == pytest.approx(8**0.5 * log_ratio(1), rel=0.03)


def test_disagreement_shows_in_the_scores_and_the_candidates() -> None:
    voted = vote([read("51F73420"), read("51F78420")], None, GRAMMAR)
    assert {candidate.text for candidate in voted.candidates[:2]} == {"51F73420", "51F78420"}
    assert weakest(voted) < 0.5 and margin(voted) < 0.1 and voted.score < 0.5
    assert voted.chars[4].others[0].text in "38"
    assert all(char.score > 0.95 for i, char in enumerate(voted.chars) if i != 4)


def test_weights_decide_between_reads() -> None:
    reads = [read("51F73420"), read("51F78420")]
    assert vote(reads, [3.0, 1.0], GRAMMAR).plate == "51F73420"
    assert vote(reads, [1.0, 3.0], GRAMMAR).plate == "51F78420"
    assert vote(reads, [0.0, 1.0], GRAMMAR) == replace(vote(reads[1:], None, GRAMMAR), reads=2)


def test_a_sure_read_counts_more_than_a_doubtful_one() -> None:
    assert vote([read("51F73420", 0.4), read("51F78420", 0.9)], None, GRAMMAR).plate == "51F78420"


def test_the_grammar_scores_the_vote_and_the_raw_text_stays() -> None:
    doubt = {7: {"0": 0.35}}
    voted = vote([read("51F7342O", doubts=doubt), read("51F7342O", doubts=doubt)], None, GRAMMAR)
    assert (voted.raw, voted.plate, voted.region.display) == ("51F7342O", "51F73420", "51F-734.20")
    assert voted.chars[7].char == "0" and voted.chars[7].others[0].text == "O", "the evidence stays visible"
    assert voted.agreeing == 2, "reads agree with the raw text, not with the grammar's"


def test_what_no_grammar_knows_stays() -> None:
    voted = vote([read("HELLO7"), read("HELLO7")], None, GRAMMAR)
    assert voted.plate == voted.raw == "HELLO7" and not voted.region.matches


@pytest.mark.parametrize("reads", [[], [read("")], [read(""), read("", enhanced=True)]], ids=["none", "one-empty", "two-empty"])
def test_nothing_read_is_an_empty_vote(reads: list) -> None:
    voted = vote(reads, None, GRAMMAR)
    assert (voted.plate, voted.raw, voted.score, voted.chars, voted.candidates) == ("", "", 0.0, (), ())
    assert voted.reads == voted.agreeing == len(reads) and weakest(voted) == margin(voted) == 0
    assert not voted.region.matches


def test_a_lattice_that_is_no_number_is_not_heard() -> None:
    broken = read("99Z11111")
    broken.lattice[3] = np.nan
    voted = vote([broken, read(PLATE)], None, GRAMMAR)
    assert voted.plate == PLATE and voted.reads == 2 and np.isfinite(voted.score)


def test_lines_and_enhanced_reads_are_counted() -> None:
    voted = vote([read("59L213938", two_lines=0.9, enhanced=True), read("59L213938", two_lines=0.7)], None, GRAMMAR)
    assert voted.lines == 2 and voted.enhanced == 1 and voted.region.pattern == "motorcycle"


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [1.0, float("nan")], [1.0, float("inf")]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="expected 2 finite numbers"):
        vote([read(PLATE), read(PLATE)], weights, GRAMMAR)


def test_alignment_is_found_around_a_dropped_and_a_doubled_character() -> None:
    consensus = rows(lattice("ABCDEF", 0.99))
    assert align(consensus, rows(lattice("ABCDEF", 0.99))) == [(True, True)] * 6
    assert align(consensus, rows(lattice("BCDEF", 0.99))) == [(True, False), *[(True, True)] * 5]
    doubled = align(consensus, rows(lattice("ABCCDEF", 0.99)))
    assert len(doubled) == 7 and doubled.count((False, True)) == 1 and doubled.index((False, True)) in (2, 3)


texts = st.text(ALPHABET, max_size=10)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(texts, st.floats(0.3, 0.999), st.floats(0, 5)), max_size=6))
def test_any_reads_give_a_sound_vote(given_: list[tuple[str, float, float]]) -> None:
    reads = [read(text, sure) for text, sure, _ in given_]
    voted = vote(reads, [weight for *_, weight in given_], GRAMMAR)
    assert set(voted.plate) <= set(ALPHABET) and "".join(char.char for char in voted.chars) == voted.plate
    numbers = [voted.score, *(char.score for char in voted.chars), *(candidate.score for candidate in voted.candidates)]
    assert all(0 <= number <= 1 for number in numbers)
    assert [candidate.score for candidate in voted.candidates] == sorted((c.score for c in voted.candidates), reverse=True)
    assert voted.candidates[:1] == () or voted.candidates[0].text == voted.plate


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(ALPHABET, min_size=1, max_size=10), min_size=1, max_size=5))
def test_a_profile_holds_every_row_of_every_read_in_order(texts: list[str]) -> None:
    reads = [rows(lattice(text)) for text in texts]
    laid = profile(reads, np.ones(len(reads)))
    for layer, read_rows in zip(laid, reads, strict=True):
        np.testing.assert_array_equal(layer[~np.isnan(layer[:, 0])], read_rows)


def test_gaps_cost_less_than_a_shifted_text_and_more_than_wrong_characters() -> None:
    plate = rows(lattice(PLATE, 0.99))
    assert len(align(plate, rows(lattice("1F734200", 0.99)))) == 9, "first dropped, last doubled: as long, but shifted"
    assert len(align(plate, rows(lattice("51E78420", 0.99)))) == 8, "two wrong characters"
