"""A region's file is refused with what is wrong in it, where, and what was expected."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alpr.patterns import Group, Region, RegionError, read

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


@pytest.mark.parametrize(
    ("changed", "to", "says"),
    [
        ("{town}-L9", "{city}-L9", "no set is named 'city'"),
        ("{town}-L9", "{town}_L9", "cannot read '_L9'"),
        ("lines: both", "lines: 3", "lines is 3, expected 1, 2 or both"),
        ("lines: both", "weight: -1", "weight is -1"),
        ("L: ABC", "L: AbC", "only A-Z and 0-9"),
        ("L: ABC", "L: 7", "expected a quoted string"),
        ("code: XX", "kode: XX", "lacks ['code'], does not know ['kode']"),
        ("source: the test", "source: ''", "source is ''"),
        ("counterexamples: [AB1]", "counterexamples: AB1", "expected a list"),
        ("name: Nowhere", "name: [", "cannot be read as YAML"),
        (VALID, "- 1", "expected a mapping, found list"),
    ],
)
def test_a_broken_region_is_refused_with_what_is_wrong(tmp_path: Path, changed: str, to: str, says: str) -> None:
    path = tmp_path / "XX.yaml"
    path.write_text(VALID.replace(changed, to), encoding="utf-8")
    with pytest.raises(RegionError, match=re.escape(says)) as error:
        read(path)
    assert "XX.yaml" in str(error.value)


def test_a_region_is_read_with_its_sets_lines_and_weights(tmp_path: Path) -> None:
    path = tmp_path / "XX.yaml"
    path.write_text(VALID, encoding="utf-8")
    country = read(path)
    assert isinstance(country, Region)
    (car,) = country.patterns
    assert (country.code, country.weight, car.name, car.two_lines, car.weight) == ("XX", 1.0, "car", 0.5, 1.0)
    assert sorted(form.texts for form in car.forms) == [1 * 3 * 10, 4 * 3 * 10]  # CDE is the only town of three, AB 07 08 09 are of two


def test_a_group_names_its_members(tmp_path: Path) -> None:
    path = tmp_path / "GG.yaml"
    path.write_text("{name: Two, code: GG, source: the test, weight: 2, members: {XX: 30, YY: 10}}", encoding="utf-8")
    group = read(path)
    assert isinstance(group, Group) and group.members == {"XX": 30.0, "YY": 10.0} and group.weight == 2


@pytest.mark.parametrize(
    ("changed", "to", "says"),
    [
        ("{town}-L9", "9?" * 40, "expands into 1,099,511,627,776 forms, expected at most 4,096"),
        ("07-09", "0-99999999", "at most 10000 of them"),
        ("07-09", "09-07", "the lower number first"),
        ("07-09", "²-³", "only A-Z and 0-9"),
        ('town: "AB CDE 07-09"', "town: '  '", "expected a quoted string"),
        ("{town}-L9", "- -", "expected one that has characters"),
        ("lines: both", "lines: [1]", "lines is [1], expected 1, 2 or both"),
        ("lines: both", "weight: .inf", "weight is inf, expected a number above 0"),
        ("lines: both", "weight: 5.0e-324", "expected a number above 0"),
        ("sets: {", "lookalikes: [80]\nsets: {", "expected quoted characters"),
        ("sets: {", "lookalikes: [[0, O]]\nsets: {", "expected quoted characters"),
        ("source: the test", "source: !!bool maybe", "cannot be read as YAML"),
    ],
)
def test_a_region_that_took_the_memory_or_the_time_is_refused(tmp_path: Path, changed: str, to: str, says: str) -> None:
    """Forty optional digits are 2 to the power of 40 forms: the grammar was never done. An infinite weight made every share NaN."""
    path = tmp_path / "XX.yaml"
    path.write_text(VALID.replace(changed, to), encoding="utf-8")
    with pytest.raises(RegionError) as caught:
        read(path)
    assert says in str(caught.value)
