"""Signing keys: made, kept in PEM (PKCS#8), used. A private key stays on the machine that packs, or on a stick in a drawer."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from edge.release import ReleaseError
from edge.release.trust import TRUST, PublicKey, Trust, message


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name."""

    private: Ed25519PrivateKey
    name: str

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.private.public_key().public_bytes_raw(), self.name)

    def sign(self, purpose: str, data: bytes) -> bytes:
        """→ the signature as JSON: who, and what over `purpose` and `data`."""
        signature = base64.b64encode(self.private.sign(message(purpose, data))).decode()
        return json.dumps({"key": self.public.id, "signature": signature}, sort_keys=True).encode()


def make(folder: Path, name: str, passphrase: bytes | None = None) -> SigningKey:
    """A new pair: NAME.key, which nobody else may read, and NAME.pub. Raises ReleaseError where there is one of that name."""
    key = SigningKey(Ed25519PrivateKey.generate(), name)
    sealed: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(folder / f"{name}.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ReleaseError(f"{folder / name}.key: is there already; a key is never written over, choose another name") from error
    with open(descriptor, "wb") as file:
        file.write(key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed))
    (folder / f"{name}.pub").write_text(f"{key.public}\n", encoding="utf-8")
    return key


def load(path: Path, passphrase: bytes | None = None) -> SigningKey:
    """Raises ReleaseError."""
    try:
        private = load_pem_private_key(path.read_bytes(), passphrase)
    except OSError as error:
        raise ReleaseError(f"{path}: cannot be read ({error.strerror}); make one: python -m tools.bundle keygen") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ReleaseError(f"{path}: is no private key, or --passphrase-file is missing or not its own ({error})") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise ReleaseError(f"{path}: is a {type(private).__name__}, expected ed25519: python -m tools.bundle keygen")
    return SigningKey(private, path.stem)


def public(paths: Sequence[Path]) -> list[PublicKey]:
    """Raises ReleaseError."""
    try:
        return [PublicKey.parse(path.read_text(encoding="utf-8")) for path in paths]
    except OSError as error:
        raise ReleaseError(f"{error.filename}: cannot be read ({error.strerror})") from error


def rotation(key: SigningKey, number: int, trusted: Sequence[PublicKey]) -> str:
    """The next set of trusted keys, signed by one of the present set: what a unit takes it from."""
    statement = Trust(number, tuple(trusted)).text()
    return json.dumps({"statement": statement, **json.loads(key.sign(TRUST, statement.encode()))}, indent=1, sort_keys=True) + "\n"
