"""Whose signatures count: a key that is trusted, over this purpose and this content, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.release import RefusedError, ReleaseError
from edge.release.trust import BUNDLE, TRUST, PublicKey, Trust, check, rotated
from tests.edge.release.units import key
from tools.bundle.keys import rotation


def test_a_trusted_key_s_signature_counts(tmp_path: Path) -> None:
    one, other = key(tmp_path, "one"), key(tmp_path, "other")
    assert check([other.public, one.public], one.sign(BUNDLE, b"content"), BUNDLE, b"content") == one.public


def test_another_content_purpose_or_key_does_not(tmp_path: Path) -> None:
    one, other = key(tmp_path, "one"), key(tmp_path, "other")
    signature = one.sign(BUNDLE, b"content")
    with pytest.raises(RefusedError, match="changed after signing"):
        check([one.public], signature, BUNDLE, b"contend")
    with pytest.raises(RefusedError, match="changed after signing"):
        check([one.public], signature, TRUST, b"content")
    with pytest.raises(RefusedError, match="not trusted"):
        check([other.public], signature, BUNDLE, b"content")
    forged = json.dumps({**json.loads(other.sign(BUNDLE, b"content")), "key": one.public.id}).encode()
    with pytest.raises(RefusedError, match="changed after signing"):
        check([one.public], forged, BUNDLE, b"content")


@pytest.mark.parametrize("signature", [b"", b"[]", b"\xff\xfe", b'{"key": 1}', b'{"key": null, "signature": "!"}'])
def test_what_is_no_signature_is_refused(tmp_path: Path, signature: bytes) -> None:
    with pytest.raises(RefusedError):
        check([key(tmp_path).public], signature, BUNDLE, b"content")


def test_a_public_key_is_a_line_of_text(tmp_path: Path) -> None:
    public = key(tmp_path).public
    assert PublicKey.parse(f"{public}\n") == public == PublicKey.parse((tmp_path / "workshop.pub").read_text())
    for wrong in ("", "kerbside-ed25519 AAAA name", str(public).replace("ed25519", "rsa"), str(public) + " more"):
        with pytest.raises(ReleaseError, match="is no public key"):
            PublicKey.parse(wrong)


def test_keys_rotate_one_set_after_the_other(tmp_path: Path) -> None:
    """The second set is signed by the first, the third by the second: a unit that was off for both takes them in order, and only so."""
    first, second, third = (key(tmp_path, name) for name in ("first", "second", "third"))
    trust = Trust(0, (first.public,))
    to_second, to_third = rotation(first, 1, [second.public]), rotation(second, 2, [third.public])
    with pytest.raises(RefusedError, match="not trusted"):
        rotated(trust, to_third)
    trust = rotated(rotated(trust, to_second), to_third)
    assert trust == Trust(2, (third.public,))
    assert rotated(trust, to_second) == trust, "an older set is passed over"
    with pytest.raises(RefusedError, match="not trusted"):
        rotated(trust, rotation(first, 3, [first.public]))


def test_a_changed_rotation_is_refused(tmp_path: Path) -> None:
    first, thief = key(tmp_path, "first"), key(tmp_path, "thief")
    envelope = json.loads(rotation(first, 1, [first.public]))
    envelope["statement"] = envelope["statement"].replace(str(first.public), str(thief.public))
    with pytest.raises(RefusedError, match="changed after signing"):
        rotated(Trust(0, (first.public,)), json.dumps(envelope))


def test_trust_is_kept_on_disk(tmp_path: Path) -> None:
    trust = Trust(4, (key(tmp_path).public,))
    trust.save(tmp_path / "trust.json")
    assert Trust.load(tmp_path / "trust.json") == trust
    with pytest.raises(ReleaseError, match="trusts nobody yet"):
        Trust.load(tmp_path / "none.json")
