"""Who may see the page: whoever knows the token, in a cookie or a header. Wrong tokens are counted and soon no longer looked at."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Final

LEAST_CHARACTERS: Final = 16
COOKIE: Final = "kerbside"
SESSION_S: Final = 12 * 3600.0
MOST_SESSIONS: Final = 64
TRIES: Final = 5
AGAIN_S: Final = 60.0
"""So many wrong tokens from one address are looked at; the next one after so long."""
MOST_ADDRESSES: Final = 1024


class AccessError(ValueError):
    """A token or a certificate that cannot be used; the message begins with the setting of section `web`."""


class RefusedError(Exception):
    """Somebody without the token. `again_s` is how long nothing more is looked at from there, 0 where it is."""

    def __init__(self, why: str, again_s: float = 0.0) -> None:
        super().__init__(why)
        self.again_s = again_s


def secret(file: Path | None) -> str:
    """The token of a file, "" without one. Raises AccessError."""
    if file is None:
        return ""
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AccessError(f"token_file {file} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(found) < LEAST_CHARACTERS:
        raise AccessError(
            f"token_file {file} holds {len(found)} characters, expected at least {LEAST_CHARACTERS}: make one with  openssl rand -hex 16"
        )
    return found


def tls(cert_file: Path | None, key_file: Path | None) -> ssl.SSLContext | None:
    """Raises AccessError where one is given without the other, or they do not fit."""
    if (cert_file is None) != (key_file is None):
        raise AccessError("key_file is given without cert_file, or the other way round: expected both or none")
    if cert_file is None or key_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert_file, key_file)
    except (OSError, ssl.SSLError) as error:
        raise AccessError(f"cert_file {cert_file} and key_file {key_file} cannot be used: {error}") from error
    return context


class Access:
    """Without a token everybody may, which the config allows on this machine alone. Called by one thread."""

    def __init__(self, token: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self.open = not token
        self.refused = 0  # wrong tokens, and those that were no longer looked at
        self._digest, self._now_s = _digest(token), now_s
        self._sessions: OrderedDict[bytes, float] = OrderedDict()  # digest → until when
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # by address: how many since the last right one, when the last

    def admits(self, cookie: str | None, authorization: str | None, address: str) -> bool:
        """Whether a request may be answered. Raises RefusedError for a header with a wrong token."""
        if self.open or (cookie and self._sessions.get(_digest(cookie), 0.0) > self._now_s()):
            return True
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        self.check(token.strip(), address)
        return True

    def enter(self, token: str, address: str) -> str:
        """A right token → the cookie of a new session. Raises RefusedError."""
        self.check(token, address)
        cookie = secrets.token_urlsafe(32)
        self._sessions[_digest(cookie)] = self._now_s() + SESSION_S
        while len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return cookie

    def leave(self, cookie: str | None) -> None:
        self._sessions.pop(_digest(cookie or ""), None)

    def check(self, token: str, address: str) -> None:
        """Raises RefusedError for a wrong token, and for any from an address that has tried too often: a right one then waits too, or
        guessing would cost nothing."""
        place, now_s = _place(address), self._now_s()
        wrong, last_s = self._wrong.get(place, (0, now_s))
        if wrong >= TRIES and now_s - last_s < AGAIN_S:
            self.refused += 1
            raise RefusedError("too many wrong tokens from this address", AGAIN_S - (now_s - last_s))
        if hmac.compare_digest(_digest(token), self._digest):
            self._wrong.pop(place, None)
            return
        self.refused += 1
        self._wrong[place] = (min(wrong + 1, TRIES), now_s)
        self._wrong.move_to_end(place)
        while len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)
        raise RefusedError("wrong token")


def _digest(text: str) -> bytes:
    """Of one length, whatever the text's is: a comparison then tells nothing of it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _place(address: str) -> str:
    """An address, or its /64 in IPv6, where one host has as many addresses as it likes."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(IPv6Address(int(found) >> 64 << 64)) if isinstance(found, IPv6Address) else str(found)
