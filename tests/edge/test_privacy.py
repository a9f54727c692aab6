"""What leaves of a plate, mode by mode, and what nobody looks at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from edge.events import Place, describe, schema, seal
from edge.privacy import DAY_S, Mask, Privacy, PrivacyError, PrivacyRules, listed, masked, normal, polygons_of, token
from tests.edge.plates import IDENTITY, plate_event, vote

PLATE = "51F73420"
KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(KEY + b"\n")
    return path


def sealed(privacy: Privacy, **changes: Any) -> dict[str, Any]:
    """An event as it would be published."""
    event = privacy(plate_event(PLATE, **changes))
    assert event is not None
    document: dict[str, Any] = json.loads(seal(describe(event, IDENTITY), Place("0" * 8, 1, 1)))
    jsonschema.validate(document, schema())
    return document


def test_plain_is_the_event_itself() -> None:
    event = plate_event()
    assert Privacy(PrivacyRules())(event) is event


def test_only_plates_of_the_list_leave_and_the_rest_is_counted(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# residents\n51F-734.20   # the doctor\n\n29a 123 45\n")
    privacy = Privacy(PrivacyRules("allow_list", allow_list=tmp_path / "list"))
    assert sealed(privacy)["plate"] == PLATE
    assert privacy(plate_event("51F73421")) is None and privacy(plate_event("51F7342")) is None
    assert privacy.withheld == 2
    assert listed(tmp_path / "list") == {PLATE, "29A12345"} and normal("51f-734.20") == PLATE


def test_a_token_stands_for_the_text_and_nothing_else_tells_it(key_file: Path) -> None:
    privacy = Privacy(PrivacyRules("hmac", key_file=key_file))
    crop = np.zeros((8, 20, 3), np.uint8)
    event = privacy(plate_event(PLATE, crop=crop))
    assert event is not None and event.crop is None
    document = sealed(privacy, crop=crop)
    text = json.dumps(document)
    for fragment in (PLATE, "51F", "734", "73420", "51F-734.20"):
        assert fragment not in text.replace(document["plate"], ""), fragment
    assert document["plate"] == document["raw"] and len(document["plate"]) == 32
    assert document["chars"] == document["candidates"] == [] and document["region"]["code"] == "VN"


def test_the_same_plate_has_the_same_token_until_the_key_changes(key_file: Path) -> None:
    privacy = Privacy(PrivacyRules("hmac", key_file=key_file, rotate_days=7))
    monday = 2800 * 7 * DAY_S
    first, later, after = (sealed(privacy, captured_utc_s=monday + day * DAY_S)["plate"] for day in (0.0, 6.9, 7.0))
    assert first == later != after
    assert first[:6] == later[:6] != after[:6], "the first six characters name the key"
    assert first != sealed(privacy, vote=vote("51F73421"), captured_utc_s=float(monday))["plate"]


def test_a_token_is_worth_nothing_under_another_key() -> None:
    assert token(PLATE, KEY, 7) != token(PLATE, KEY[:-1] + b"!", 7)
    assert set(token(PLATE, KEY, 7)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") and len(token(PLATE, KEY, 7)) == 32


def test_a_token_is_what_others_compute_with_the_same_key() -> None:
    """By openssl: used=$(printf 'kerbside plate key 2800' | openssl dgst -sha256 -mac HMAC -macopt key:… -binary | xxd -p -c 64), then
    the first 6 of base32 of HMAC(used, "name of this key"), then the first 26 of base32 of HMAC(used, plate)."""
    assert token(PLATE, KEY, 2800) == "COCDMV" + "WDWVJTGBMAWTXJJQURGYNEZMIB"


def test_an_erasure_knows_every_token_of_its_time(key_file: Path) -> None:
    privacy = Privacy(PrivacyRules("hmac", key_file=key_file, rotate_days=7))
    start = 2800.0 * 7 * DAY_S
    tokens = privacy.tokens(PLATE, start, start + 15 * DAY_S)
    assert len(tokens) == 3 and sealed(privacy, captured_utc_s=start + 8 * DAY_S)["plate"] == tokens[1]
    assert Privacy(PrivacyRules()).tokens(PLATE, 0, start) == []


def test_what_cannot_be_used_is_refused_with_what_would_do(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("secret\n")
    with pytest.raises(PrivacyError, match=r"key_file .*short holds 6 bytes, expected at least 32: make one with  openssl"):
        Privacy(PrivacyRules("hmac", key_file=tmp_path / "short"))
    (tmp_path / "empty").write_text("# nobody yet\n")
    with pytest.raises(PrivacyError, match="names no plate"):
        Privacy(PrivacyRules("allow_list", allow_list=tmp_path / "empty"))
    with pytest.raises(PrivacyError, match="cannot be read: No such file"):
        Privacy(PrivacyRules("hmac", key_file=tmp_path / "gone"))
    with pytest.raises(PrivacyError, match="key_file is 'None', expected a file where mode is hmac"):
        PrivacyRules("hmac")


def test_private_ground_is_black_and_the_rest_is_as_it_was() -> None:
    picture = np.full((100, 200, 3), 200, np.uint8)
    out = masked(picture.copy(), [((0.0, 0.0), (0.25, 0.0), (0.25, 0.5), (0.0, 0.5))])
    assert (out[:50, :50] == 0).all() and (out[52:] == 200).all() and (out[:, 52:] == 200).all()
    readonly = picture.copy()
    readonly.flags.writeable = False
    assert (masked(readonly, [((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))])[1:-1, 1:-1] == 0).all() and (readonly == 200).all()
    assert masked(picture, []) is picture


def test_masks_are_the_cameras_own_and_have_an_area() -> None:
    corners = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))
    masks = (Mask("road", corners), Mask("yard", corners))
    assert polygons_of(masks, "road") == [corners]
    with pytest.raises(PrivacyError, match="at least three corners"):
        Mask("road", corners[:2])
    with pytest.raises(PrivacyError, match="shares of width and height"):
        Mask("road", ((0, 0), (1280, 0), (1280, 720)))
