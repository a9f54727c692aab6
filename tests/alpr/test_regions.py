"""Every shipped region holds to its own examples, and countries to the facts that their files say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import alpr
from alpr.patterns import Region, read
from alpr.syntax import Grammar
from alpr.types import ALPHABET

FOLDER = Path(alpr.__file__).parent / "regions"
ITEMS = {path.stem: read(path) for path in sorted(FOLDER.glob("*.yaml"))}
SHIPPED = [item for item in ITEMS.values() if isinstance(item, Region)]
VN = Grammar.load(FOLDER, ["VN"])


def test_the_countries_that_the_unit_ships_are_there() -> None:
    assert {"VN", "TW", "BR", "GB", "MY", "PK", "IN", "CN", "AR", "US", "CH", "NO", "UA"} <= {item.code for item in SHIPPED}
    assert all(item.code == stem for stem, item in ITEMS.items())


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.code)
def test_a_shipped_region_accepts_its_examples_as_displayed_and_no_counterexample(shipped: Region) -> None:
    grammar = Grammar([shipped])
    assert len(shipped.examples) >= 3 and len(shipped.counterexamples) >= 3
    assert set(shipped.examples.values()) <= {pattern.name for pattern in shipped.patterns}
    for display, name in shipped.examples.items():
        matches = [grammar.match(re.sub(r"[-. ·/]", "", display), lines) for lines in (1, 2)]
        assert (name, display) in {(match.pattern, match.display) for match in matches}, (display, name, matches)
    for text in shipped.counterexamples:
        assert not grammar.match(text).matches, text


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.code)
def test_no_plate_of_a_shipped_region_is_longer_than_a_reader_can_read(shipped: Region) -> None:
    assert max(len(form.separators) for pattern in shipped.patterns for form in pattern.forms) <= 10


def test_vietnam_knows_its_provinces_and_letters() -> None:
    """81 codes of 11 to 99, the former provinces' among them; a motorcycle's second letter may be R and is never G."""
    letters = {char for char in ALPHABET[10:] if VN.match(f"51{char}12345").pattern == "car"}
    assert letters == set("ABCDEFGHKLMNPSTUVXYZ")
    second = {char for char in ALPHABET[10:] if VN.match(f"29A{char}12345", lines=2).pattern == "motorcycle-letters"}
    assert second == set("ABCDEFHKLMNPRSTUVXYZ")
    provinces = {number for number in range(100) if VN.match(f"{number:02d}A12345").pattern == "car"}
    assert provinces == set(range(11, 100)) - {13, 42, 44, 45, 46, 87, 91, 96}


def test_vietnams_foreigners_have_the_country_before_or_behind_their_letters() -> None:
    displays = {text: VN.match(text).display for text in ("80NG01101", "41291NN05", "80631CV01", "80QT54642")}
    assert displays == {"80NG01101": "80-NG-011-01", "41291NN05": "41-291-NN-05", "80631CV01": "80-631-CV-01", "80QT54642": "80-QT-546-42"}


@pytest.mark.parametrize(
    ("code", "given", "never"),
    [
        ("BG", ["CB1234OA", "EA0001AA", "CB1234TE"], ["CB1234YA", "CB1234AD"]),
        ("CZ", ["1ABC123", "EL123AB", "1A23456"], ["EL12AB3", "1GBC123"]),
        ("DE", ["HSKXY999", "MAB1234E", "B65300"], ["HSKXY9999", "HSKXY123E"]),
        ("GB", ["OO07OOO", "BD51SMZ"], ["BZ51SMR", "BI51SMR", "BD51SMQ"]),
        ("IE", ["131TS123", "241T123"], ["241TS123", "133D123"]),
        ("NL", ["V01DBB", "GBB01B"], ["V01DBA", "123GB4"]),
        ("NO", ["EJ12345", "EN12345"], ["EO12345", "EL01234"]),
        ("PL", ["PO12A3", "F0MAREK"], ["PO12B3", "PODB123"]),
        ("RO", ["B123ABC", "TM012345"], ["CJ12OAB", "TM002345"]),
        ("SE", ["MLB84A"], ["MLB84O", "MLB84Q"]),
        ("SI", ["LJA1234", "LJAB123", "LJ12ABC"], ["XXAB123"]),
        ("SK", ["EE12345", "KI123AB", "AA001AA", "KEADAM1"], ["EE1234", "KQ123AB"]),
    ],
)
def test_what_a_country_gives_out_and_what_it_never_does(code: str, given: list[str], never: list[str]) -> None:
    """Series, codes and letters that its file had wrong or lacked, or that its sources dwell on."""
    grammar = Grammar.load(FOLDER, [code])
    assert {text: grammar.match(text).matches for text in given + never} == {**dict.fromkeys(given, True), **dict.fromkeys(never, False)}


def test_a_german_plate_has_eight_characters_at_most() -> None:
    grammar = Grammar.load(FOLDER, ["DE"])
    assert {len(v.form.separators) for v in grammar.variants if v.pattern.name in ("district", "electric", "historic")} == set(range(3, 9))


def test_eu_is_its_27_countries_by_their_cars() -> None:
    grammar = Grammar.load(FOLDER, ["EU"])
    assert len(grammar.regions) == 27 and {"DE", "FR", "MT"} < {item.code for item in grammar.regions} < {item.code for item in SHIPPED}
    assert grammar.match("1234BCD").code == "ES" and grammar.match("YZA1234").code == "GR"
