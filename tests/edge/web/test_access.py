"""Who is let in: the token, its cookie, how often one may be wrong; and what the config refuses before anything is opened."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from edge.config import load
from edge.web.access import AGAIN_S, SESSION_S, TRIES, Access, AccessError, RefusedError, secret, tls
from tests.edge.configs import LEAST, folder, only, written
from tests.edge.mqtt.certificates import Authority

__all__ = ["folder"]

TOKEN = "0123456789abcdef0123456789abcdef"
PEER = "192.0.2.7"


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_without_a_token_everybody_is_let_in() -> None:
    assert Access("").open and Access("").admits(None, None, PEER)


def test_a_right_token_opens_a_session_that_ends() -> None:
    clock = Clock()
    access = Access(TOKEN, clock)
    assert not access.admits(None, None, PEER)
    cookie = access.enter(TOKEN, PEER)
    assert TOKEN not in cookie and access.admits(cookie, None, PEER)
    assert not access.admits(cookie[:-1] + "x", None, PEER) and not access.admits(TOKEN, None, PEER)
    clock.now_s += SESSION_S + 1
    assert not access.admits(cookie, None, PEER)
    second = access.enter(TOKEN, PEER)
    access.leave(second)
    assert not access.admits(second, None, PEER)


def test_a_header_is_as_good_as_a_cookie_and_a_wrong_one_is_counted() -> None:
    access = Access(TOKEN)
    assert access.admits(None, f"Bearer {TOKEN}", PEER) and access.admits(None, f"bearer {TOKEN}", PEER)
    assert not access.admits(None, "Basic dXNlcjpwYXNz", PEER)
    with pytest.raises(RefusedError, match="wrong token"):
        access.admits(None, "Bearer nonsense", PEER)
    assert access.refused == 1


def test_after_some_wrong_tokens_an_address_waits_and_another_does_not() -> None:
    clock = Clock()
    access = Access(TOKEN, clock)
    for _ in range(TRIES):
        with pytest.raises(RefusedError, match="wrong token"):
            access.enter("guess", PEER)
    with pytest.raises(RefusedError, match="too many") as caught:
        access.enter(TOKEN, PEER)
    assert caught.value.again_s == pytest.approx(AGAIN_S), "a right one waits too, or guessing would cost nothing"
    assert access.enter(TOKEN, "192.0.2.8")
    clock.now_s += AGAIN_S + 1
    with pytest.raises(RefusedError, match="wrong token"):
        access.enter("guess", PEER)
    with pytest.raises(RefusedError, match="too many"):
        access.enter("guess", PEER)
    assert access.refused == TRIES + 3
    clock.now_s += AGAIN_S + 1
    assert access.enter(TOKEN, PEER)


def test_a_host_of_ipv6_is_its_whole_network() -> None:
    """It may take another address for each guess."""
    access = Access(TOKEN)
    for number in range(TRIES):
        with pytest.raises(RefusedError, match="wrong token"):
            access.enter("guess", f"2001:db8:1:2::{number}")
    with pytest.raises(RefusedError, match="too many"):
        access.enter("guess", "2001:db8:1:2:ffff::1")
    with pytest.raises(RefusedError, match="wrong token"):
        access.enter("guess", "2001:db8:1:3::1")


def test_tokens_of_any_text_are_compared() -> None:
    access = Access(TOKEN)
    for odd in ("", "ü" * 9, "\ud800", "x" * 100_000):
        with pytest.raises(RefusedError):
            access.enter(odd, odd[:9])


def test_a_token_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert secret(file) == TOKEN and secret(None) == ""
    file.write_text("short\n")
    with pytest.raises(AccessError, match="5 characters, expected at least 16"):
        secret(file)
    with pytest.raises(AccessError, match="cannot be read"):
        secret(tmp_path / "gone")


ENABLED = LEAST + "web:\n  enabled: true\n"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("  host: 0.0.0.0\n  allow_plain: true\n", "web.token_file is missing, expected a file with a token"),
        ("  host: 192.0.2.1\n  token_file: secret-token\n", "web.cert_file is missing, expected a certificate"),
        ("  token_file: gone\n", "cannot be read"),
        ("  token_file: secret\n", "expected at least 16"),
        ("  cert_file: gone.pem\n", "web.key_file is given without cert_file"),
        ("  port: 9108\n", "web.port is 9108, as is health.port"),
        ("  fps: 0\n", "web.fps is 0"),
    ],
)
def test_what_would_let_others_in_is_refused(folder: Path, more: str, said: str) -> None:
    (folder / "secret-token").write_text(TOKEN)
    assert said in only(folder, ENABLED + more)


def test_a_page_that_is_off_is_asked_for_nothing(folder: Path) -> None:
    config = load(written(folder, LEAST + "web: {host: 0.0.0.0, token_file: gone}\n"))
    assert not config.web.enabled and "gone" not in "".join(config.secrets())


def test_other_machines_get_in_with_token_and_certificate(folder: Path) -> None:
    (folder / "web-token").write_text(TOKEN)
    cert_file, key_file = Authority(folder / "authority").sign("unit")
    text = f"  host: 0.0.0.0\n  token_file: web-token\n  cert_file: {cert_file}\n  key_file: {key_file}\n"
    config = load(written(folder, ENABLED + text))
    assert TOKEN in set(config.secrets()), "it must stand in no log"
    assert tls(config.web.cert_file, config.web.key_file) is not None
    plain = load(written(folder, ENABLED + "  host: 0.0.0.0\n  token_file: web-token\n  allow_plain: true\n"))
    assert plain.web.allow_plain


def test_without_its_library_the_config_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.config.safety.find_spec", lambda name: None if name == "aiohttp" else find_spec(name))
    assert "expected the package aiohttp, which is not installed" in only(folder, ENABLED)
    assert load(written(folder, LEAST)), "off, nobody misses it"
