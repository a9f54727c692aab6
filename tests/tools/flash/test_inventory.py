"""Which units there are: words, or a file whose mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.flash import UnitError, inventory
from tools.flash.inventory import Target

FLEET = """
defaults: {user: fleet, sudo: true, identity: keys/fleet}
units:
  gate-north: {host: 192.0.2.21}
  gate-south: {host: 192.0.2.22, port: 2222, sudo: false, config: units/south.yaml}
  depot.example:
"""


def test_words_as_ssh_takes_them() -> None:
    found = inventory.of_words(["unit1", "fleet@192.0.2.21:2222", "root@[2001:db8::1]:22", "[2001:db8::2]"])
    assert found == [
        Target("unit1", "unit1"),
        Target("192.0.2.21", "fleet@192.0.2.21:2222", "fleet", 2222),
        Target("2001:db8::1", "root@[2001:db8::1]:22", "root", 22),
        Target("2001:db8::2", "[2001:db8::2]"),
    ]


@pytest.mark.parametrize("word", ["-oProxyCommand=evil", "a b", "a;reboot", "@host", "host:", ""])
def test_a_word_that_is_no_unit_is_refused(word: str) -> None:
    with pytest.raises(UnitError, match="expected"):
        inventory.of_words([word])


def test_a_file_with_defaults(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    north, south, depot = inventory.of_file(path)
    assert (north.name, north.host, north.user, north.sudo) == ("gate-north", "192.0.2.21", "fleet", True)
    assert north.identity == tmp_path / "keys/fleet"
    assert (south.port, south.sudo, south.config) == (2222, False, tmp_path / "units/south.yaml")
    assert (depot.name, depot.host) == ("depot.example", "depot.example")
    assert inventory.of_file(path, ["gate-south"]) == [south]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("units: [a]", "expected `units:` with a mapping"),
        ("unit: {a: {}}", "expected `units:` with a mapping"),
        ("units: {a: {hots: b}}", "units.a: hots: "),
        ("units: {a: {port: 70000}}", "units.a: port: "),
        ("units: {a: {host: ''}}", "units.a: host: "),
        ("units: {a: {host: -oProxyCommand=evil}}", "units.a: host: "),
        ("units: {a: [", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_by_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    with pytest.raises(UnitError, match=said):
        inventory.of_file(path)


def test_a_name_that_is_not_in_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET)
    with pytest.raises(UnitError, match=r"has no gate-west; it has gate-north, gate-south, depot\.example"):
        inventory.of_file(path, ["gate-west"])
