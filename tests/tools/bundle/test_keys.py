"""Signing keys on disk: nobody else's to read, never written over, locked where somebody wants that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.release import ReleaseError
from edge.release.trust import BUNDLE, Trust, check, rotated
from tools.bundle import keys
from tools.bundle.__main__ import main


def test_a_pair_is_made_and_loaded(tmp_path: Path) -> None:
    made = keys.make(tmp_path, "workshop")
    assert (tmp_path / "workshop.key").stat().st_mode & 0o777 == 0o600
    loaded = keys.load(tmp_path / "workshop.key")
    assert keys.public([tmp_path / "workshop.pub"]) == [made.public] == [loaded.public]
    assert check([made.public], loaded.sign(BUNDLE, b"content"), BUNDLE, b"content") == made.public


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    first = keys.make(tmp_path, "workshop").public
    with pytest.raises(ReleaseError, match="is there already"):
        keys.make(tmp_path, "workshop")
    assert keys.load(tmp_path / "workshop.key").public == first


def test_a_locked_key_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    keys.make(tmp_path, "workshop", b"correct horse")
    assert b"ENCRYPTED" in (tmp_path / "workshop.key").read_bytes()
    assert keys.load(tmp_path / "workshop.key", b"correct horse").name == "workshop"
    for wrong in (None, b"battery staple"):
        with pytest.raises(ReleaseError, match="--passphrase-file"):
            keys.load(tmp_path / "workshop.key", wrong)


def test_what_is_no_ed25519_key_is_said(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "other.key").write_bytes(other)
    (tmp_path / "none.key").write_text("hello\n")
    for name, said in (("other", "expected ed25519"), ("none", "is no private key"), ("absent", "cannot be read")):
        with pytest.raises(ReleaseError, match=said):
            keys.load(tmp_path / f"{name}.key")


def test_keys_are_made_and_rotated_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--folder", str(tmp_path)]
    (tmp_path / "phrase").write_text("correct horse\n")
    for name in ("old", "new"):
        assert main(["keygen", name, *folder, "--passphrase-file", str(tmp_path / "phrase")]) == 0
    key = ["--key", str(tmp_path / "old.key"), "--passphrase-file", str(tmp_path / "phrase")]
    for trusted in (["old", "new"], ["new"]):
        pubs = [part for name in trusted for part in ("--trust", str(tmp_path / f"{name}.pub"))]
        assert main(["rotate", *key, *pubs, *folder]) == 0
    old, new = keys.public([tmp_path / "old.pub", tmp_path / "new.pub"])
    trust = rotated(Trust(0, (old,)), (tmp_path / "rotation-0001.json").read_text())
    assert trust == Trust(1, (old, new))
    assert rotated(trust, (tmp_path / "rotation-0002.json").read_text()) == Trust(2, (new,))
    assert json.loads((tmp_path / "rotation-0002.json").read_text())["key"] == old.id
    assert main(["keygen", "old", *folder]) == 1 and "is there already" in capsys.readouterr().err
