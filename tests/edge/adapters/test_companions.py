"""Which messages go with which event; and that nothing is told that the event keeps back."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from alpr.types import Hit
from edge.adapters import Adapters, Companions
from edge.events import Place, describe, seal
from edge.mqtt.config import Topics
from edge.privacy import Privacy, PrivacyRules
from tests.edge.adapters.events import HIT, body
from tests.edge.plates import IDENTITY, plate_event

TOPICS = Topics("kerbside", "kerb-01")
ALL = Adapters(frigate=True, openalpr=True, plate_recognizer=True)


def test_an_event_goes_alone_unless_something_is_asked_for() -> None:
    assert Companions(Adapters(), TOPICS)("gate/plate", body()) == ()
    assert Companions(ALL, TOPICS)("gate/other", b"no event") == ()


def test_everything_that_is_asked_for_goes_with_it() -> None:
    topics = [message.topic for message in Companions(ALL, TOPICS)("gate/plate", body(hits=(HIT,)))]
    assert topics == [
        "kerbside/kerb-01/gate/hit",
        "frigate/tracked_object_update",
        "frigate/events",
        "kerbside/kerb-01/gate/openalpr",
        "kerbside/kerb-01/gate/platerecognizer",
    ]


def test_hits_are_as_their_schema_says_and_nobody_may_miss_one() -> None:
    messages = Companions(Adapters(), TOPICS)("gate/plate", body(hits=(HIT, Hit("stolen", "deny", "51F73426", "", 0.03))))
    schema = json.loads((files("edge") / "schemas/hit.v1.json").read_text())
    Draft202012Validator.check_schema(schema)
    for message in messages:
        hit = json.loads(message.payload)
        Draft202012Validator(schema).validate(hit)
        assert set(hit) == set(schema["properties"]) and message.wanted and (message.qos, message.retain) == (1, False)
    first, second = (json.loads(message.payload) for message in messages)
    assert (first["id"], second["id"]) == ("kerb-01-ab12-7-staff", "kerb-01-ab12-7-stolen") and first["event"] == "kerb-01-ab12-7"
    assert (second["plate"], second["read"], second["probability"]) == ("51F73426", "51F73420", 0.03)


@pytest.mark.parametrize("plate", ["51F73420", "51F73428"])
def test_with_hmac_no_adapter_tells_a_plate(tmp_path: Path, plate: str) -> None:
    """The read, its candidates, the hit and its note: none of them in any message, however it is written."""
    (tmp_path / "key").write_text("k" * 40)
    event = Privacy(PrivacyRules("hmac", key_file=tmp_path / "key"))(plate_event(plate, hits=(HIT,)))
    assert event is not None
    sealed = seal(describe(event, IDENTITY), Place("ab12", 1, 7))
    messages = Companions(ALL, TOPICS)("gate/plate", sealed)
    assert len(messages) == 5
    for message in messages:
        text = message.payload.decode().upper()
        assert not any(secret in text for secret in ("51F73420", "51F73428", "51F-734", "ANNA"))
        assert event.vote.plate in text
