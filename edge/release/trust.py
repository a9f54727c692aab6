"""Whose signatures count: ed25519 public keys, and how the set of them changes.

A signature is made over a purpose and the data (RFC 8032's Ed25519, through `cryptography`), so that a signed list of keys can never be
taken for a signed release. A unit gets its first keys when it is provisioned; a later set is signed by a key of the one before and has a
higher number.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.release import RefusedError, ReleaseError
from edge.release.disk import write_whole

BUNDLE: Final = "kerbside.bundle/1"
TRUST: Final = "kerbside.trust/1"
KIND: Final = "kerbside-ed25519"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A line of text: kerbside-ed25519 BASE64 NAME."""

    raw: bytes  # 32 bytes
    name: str

    @property
    def id(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()[:16]

    def __str__(self) -> str:
        return f"{KIND} {base64.b64encode(self.raw).decode()} {self.name}"

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Raises ReleaseError."""
        words = text.split()
        try:
            raw = base64.b64decode(words[1], validate=True)
        except (IndexError, binascii.Error):
            raw = b""
        if len(words) != 3 or words[0] != KIND or len(raw) != 32:
            raise ReleaseError(f"{text.strip()[:60]!r} is no public key, expected {KIND} BASE64 NAME (python -m tools.bundle keygen)")
        return cls(raw, words[2])


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys that count, as number `number` of their sets; 0 is the set that provisioning brought."""

    number: int
    keys: tuple[PublicKey, ...]

    def text(self) -> str:
        return json.dumps({"schema": TRUST, "number": self.number, "keys": [str(key) for key in self.keys]}, sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> Trust:
        """Raises ReleaseError."""
        fields = _fields(text, "a set of keys")
        number, keys = fields.get("number"), fields.get("keys")
        if fields.get("schema") != TRUST or not isinstance(number, int) or number < 0 or not isinstance(keys, list) or not keys:
            raise ReleaseError(f"expected a set of keys ({TRUST}) with a number and keys, found {text[:80]!r}")
        return cls(number, tuple(PublicKey.parse(str(key)) for key in keys))

    @classmethod
    def load(cls, path: Path) -> Trust:
        """Raises ReleaseError."""
        try:
            return cls.parse(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ReleaseError(f"{path}: this unit trusts nobody yet; provision it: python -m tools.flash --provision") from error

    def save(self, path: Path) -> None:
        write_whole(path, self.text().encode())


def message(purpose: str, data: bytes) -> bytes:
    """What is signed."""
    return purpose.encode() + b"\n" + data


def check(keys: Iterable[PublicKey], signature: bytes, purpose: str, data: bytes) -> PublicKey:
    """→ the key that signed. Raises RefusedError where none of `keys` did."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    keys, fields = tuple(keys), _fields(signature.decode("utf-8", "replace"), "a signature")
    signer = next((key for key in keys if key.id == fields.get("key")), None)
    if signer is None:
        known = ", ".join(f"{key.id} ({key.name})" for key in keys)
        raise RefusedError(f"signed with key {fields.get('key')!r}, which is not trusted; trusted: {known}. Rotate keys first if it is new")
    try:
        Ed25519PublicKey.from_public_bytes(signer.raw).verify(_bytes(fields.get("signature")), message(purpose, data))
    except InvalidSignature as error:
        raise RefusedError(f"the signature of {signer.name} ({signer.id}) is not of this content: it was changed after signing") from error
    return signer


def rotated(trust: Trust, envelope: str) -> Trust:
    """The set that a signed rotation brings; the one that is there where it is as new. Raises RefusedError or ReleaseError."""
    fields = _fields(envelope, "a rotation")
    statement = str(fields.get("statement", ""))
    new = Trust.parse(statement)
    if new.number <= trust.number:
        return trust
    check(trust.keys, json.dumps(fields).encode(), TRUST, statement.encode())
    return new


def _fields(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise RefusedError(f"expected {what} in JSON, found {text[:60]!r}") from error
    if not isinstance(found, dict):
        raise RefusedError(f"expected {what}, found {text[:60]!r}")
    return found


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except binascii.Error:
        return b""
