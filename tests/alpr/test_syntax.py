"""Grammars: texts and countries compete by their priors, exactly, and what nothing comes near stays as it was read."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alpr
from alpr.decode import BLANK
from alpr.evidence import best_path
from alpr.patterns import Region, RegionError, read
from alpr.syntax import Grammar
from alpr.types import ALPHABET
from tests.alpr.lattices import lattice

FOLDER = Path(alpr.__file__).parent / "regions"
VN = Grammar.load(FOLDER, ["VN"])
ALL = Grammar.load(FOLDER)

VALID = """
name: Nowhere
code: XX
source: the test
sets: {L: ABC, town: "AB CDE 07-09"}
patterns:
  - {name: car, form: "{town}-L9", lines: both}
examples: {AB-C1: car}
counterexamples: [AB1]
"""


def test_lines_decide_between_patterns_of_the_same_text() -> None:
    """29A12345 is a car, 29-A1 2345 an old motorcycle: the second has two lines always, and is no rarity there."""
    one, two = (VN.parse(lattice("29A12345"), lines)[0].region for lines in (0.01, 0.99))
    assert one.pattern == "car" and two.score > 0.9
    assert VN.match("54R39587", lines=2).pattern == "motorcycle-4"


def test_the_grammar_decides_between_lookalikes_that_the_reader_doubts() -> None:
    parses = VN.parse(lattice("5IF7342O", doubts={1: {"1": 0.3}, 7: {"0": 0.4}}))
    assert parses[0].text == "51F73420"
    assert parses[0].region.display == "51F-734.20" and parses[0].region.matches
    assert parses[0].score > 0.8


def test_a_text_that_nothing_comes_near_stays_as_it_was_read() -> None:
    for grammar in (VN, ALL, Grammar([])):
        parse = grammar.parse(lattice("HELLO7XQ9"))[0]
        assert parse.text == "HELLO7XQ9" and not parse.region.matches and parse.region.code == "" and parse.form is None


def test_a_specific_pattern_speaks_louder_than_a_loose_one() -> None:
    """Both accept the text; the one that accepts fewer others is the likelier to have made it."""
    assert ALL.match("BD51SMR").code == "GB"
    assert ALL.match("51F73420").code == "VN"
    assert ALL.match("MH12AB1234").code == "IN"


def test_an_operators_weights_move_the_country() -> None:
    text = "ABC1234"
    assert Grammar.load(FOLDER, {"TW": 1.0, "BR": 20.0}).match(text).code == "BR"
    assert Grammar.load(FOLDER, {"tw": 20.0, "br": 1.0}).match(text).code == "TW"


def test_a_lattice_may_be_shorter_or_longer_than_the_patterns() -> None:
    for slots in (8, 9, 20):
        assert VN.parse(lattice("51F73420", slots=slots))[0].text == "51F73420"
    assert VN.parse(lattice("51F73420", slots=8))[0].region.matches
    assert VN.parse(np.zeros((0, BLANK + 1), np.float32))[0].text == ""


def _brute_force(rows: np.ndarray, grammar: Grammar) -> dict[str, float]:
    """Every text of a small grammar's variants, each with its best log-probability and prior."""
    found: dict[str, float] = {}
    for variant in grammar.variants:
        texts = [""]
        for words in variant.form.elements:
            texts = [text + word for text in texts for word in words]
        for text in texts:
            ends = np.log(rows[len(text), BLANK]) if len(text) < len(rows) else 0.0
            score = variant.log_prior + sum(np.log(rows[i, ALPHABET.index(char)]) for i, char in enumerate(text)) + ends
            found[text] = max(score, found.get(text, -np.inf))
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_the_best_text_of_a_pattern_is_exact(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Against every text of a small grammar, on lattices so flat that the bounds admit almost anything."""
    path = tmp_path_factory.mktemp("regions") / "XX.yaml"
    path.write_text(VALID, encoding="utf-8")
    country = read(path)
    assert isinstance(country, Region)
    grammar = Grammar([country])
    rows = np.random.default_rng(seed).dirichlet(np.full(BLANK + 1, 30.0), 6).astype(np.float32)
    best = {parse.text: parse.log_score for parse in grammar.parse(rows, most=100) if parse.form}
    truth = _brute_force(rows, grammar)
    lines = np.log(0.5)  # a pattern of one or two lines alike
    for text, score in best.items():
        peers = [value for other, value in truth.items() if len(other) == len(text)]
        assert truth[text] == pytest.approx(max(peers), abs=1e-5)
        if text != "".join(ALPHABET[i] for i in best_path(rows)):
            assert score == pytest.approx(truth[text] + lines, abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.02, 5), st.floats(0, 1))
def test_parses_are_probabilities_best_first_and_the_raw_text_is_among_them(seed: int, flat: float, two_lines: float) -> None:
    rows = np.random.default_rng(seed).dirichlet(np.full(BLANK + 1, flat), 10).astype(np.float32)
    parses = ALL.parse(rows, two_lines, most=50)
    scores = [parse.log_score for parse in parses]
    assert scores == sorted(scores, reverse=True) and np.isfinite(scores).all()
    assert all(0 <= parse.score <= 1 for parse in parses) and sum(parse.score for parse in parses) <= 1.01
    assert len({parse.text for parse in parses}) == len(parses)
    assert "".join(ALPHABET[i] for i in best_path(rows)) in {parse.text for parse in parses}
    for parse in parses:
        assert parse.form is None or (parse.form.accepts(parse.text) and parse.region.matches)


def test_an_unknown_country_is_refused_with_those_there_are() -> None:
    with pytest.raises(RegionError, match=r"no grammar for ZZ .* there are AR, AT"):
        Grammar.load(FOLDER, ["VN", "zz"])


def _folder(path: Path, members: str) -> Path:
    """A folder of three like countries, and a group."""
    for code in ("XX", "YY", "ZZ"):
        (path / f"{code}.yaml").write_text(VALID.replace("code: XX", f"code: {code}"), encoding="utf-8")
    (path / "GG.yaml").write_text(f"{{name: Two, code: GG, source: the test, weight: 2, members: {members}}}", encoding="utf-8")
    return path


def _shares(grammar: Grammar) -> dict[str, float]:
    """What each country has of the prior: they are alike but for that."""
    priors = {variant.region.code: np.exp(variant.log_prior) for variant in grammar.variants}
    return {code: prior / sum(priors.values()) for code, prior in priors.items()}


@pytest.mark.parametrize(
    ("codes", "shares"),
    [
        (["gg"], {"XX": 3, "YY": 1}),
        (["ZZ", "GG"], {"XX": 1.5, "YY": 0.5, "ZZ": 1}),
        (["YY", "GG"], {"XX": 1.5, "YY": 1.5}),
        ({"GG": 4.0, "ZZ": 4.0}, {"XX": 3, "YY": 1, "ZZ": 4}),
        (None, {"XX": 1.5, "YY": 0.5, "ZZ": 1}),
    ],
    ids=["alone", "beside-another", "beside-a-member", "with-a-weight", "among-all"],
)
def test_a_groups_members_share_its_weight(tmp_path: Path, codes: list[str] | dict[str, float] | None, shares: dict[str, float]) -> None:
    grammar = Grammar.load(_folder(tmp_path, "{XX: 30, YY: 10}"), codes)
    assert _shares(grammar) == pytest.approx({code: share / sum(shares.values()) for code, share in shares.items()})


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ("{XX: 30, AA: 1}", "group GG: members: AA, expected a country; there are GG, XX, YY, ZZ"),
        ("{GG: 1}", "group GG: members: GG, expected a country"),
        ("{XX: 0}", "GG.yaml: members: XX: weight is 0"),
        ("{}", "GG.yaml: members is {}"),
        ("[XX]", "expected a dict"),
        ("{XX: 1}, patterns: []", "does not know ['patterns']"),
    ],
)
def test_a_broken_group_is_refused_with_what_is_wrong(tmp_path: Path, members: str, says: str) -> None:
    with pytest.raises(RegionError, match=re.escape(says)):
        Grammar.load(_folder(tmp_path, members), ["GG"])
