"""The JSON form of an event: known answers, and the schema held against whatever the vote may bring."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from alpr.types import ALPHABET, Candidate, CharacterVote, PlateEvent, RegionMatch, Vote
from edge.events import DIRECTIONS, TYPES, EventError, Identity, Place, backfilled, describe, event_id, schema, seal
from tests.edge.plates import IDENTITY, plate_event, vote

PLACE = Place("0f" * 16, 3, 42)
VALIDATOR = Draft202012Validator(schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def document(event: PlateEvent, identity: Identity = IDENTITY) -> dict[str, Any]:
    return json.loads(seal(describe(event, identity), PLACE))


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_known_event() -> None:
    found = document(plate_event())
    VALIDATOR.validate(found)
    assert found["schema"] == "kerbside.plate/1"
    assert found["id"] == f"kerb-01-{'0f' * 16}-42" == event_id("kerb-01", PLACE)
    assert found["vehicle"] == f"kerb-01-{'0f' * 16}-3-gate-17"
    assert found["captured"] == {"utc": "2023-11-14T22:13:20.123Z", "monotonic_s": 12345.678901}
    assert found["box"] == [100.1, 200.0, 180.0, 225.6] or found["box"] == [100.1, 200.0, 180.0, 225.5]
    assert found["height_px"] == 25.0
    assert found["latency_ms"] == {"detect": 8.12, "capture_to_event": 212.5}
    assert found["read"] == {"frames_seen": 31, "frames_used": 5, "agreeing": 4, "enhanced": 1}
    assert found["region"]["display"] == "51F-734.20"
    assert found["site"] == "Nguyễn Trãi / 3"
    assert found["chars"][0] == {"char": "5", "score": 0.99, "others": [{"text": "", "score": 0.004}, {"text": "8", "score": 0.003}]}


def test_every_field_is_in_the_schema_and_required_if_it_always_was() -> None:
    """A consumer of this version takes the events of units that are older: what was added since is required of none."""
    shipped = schema()
    added = {"zone", "dwell_s", "parked", "crossings", "speed", "hits"}
    assert set(document(plate_event())) == set(shipped["properties"]) == set(shipped["required"]) | added
    assert not added & set(shipped["required"])
    for part in ("captured", "region", "read"):
        assert set(document(plate_event())[part]) == set(shipped["properties"][part]["properties"])


def test_early_and_final_are_one_vehicle_and_two_events() -> None:
    early = json.loads(seal(describe(plate_event(type="early"), IDENTITY), PLACE))
    final = json.loads(seal(describe(plate_event(type="final"), IDENTITY), replace(PLACE, sequence=43)))
    assert early["vehicle"] == final["vehicle"]
    assert early["id"] != final["id"]


def test_a_restart_makes_other_vehicles_of_the_same_track_numbers() -> None:
    before = json.loads(seal(describe(plate_event(), IDENTITY), PLACE))
    after = json.loads(seal(describe(plate_event(), IDENTITY), replace(PLACE, run=4, sequence=43)))
    assert before["vehicle"] != after["vehicle"]


def test_backfilled_changes_nothing_else_whatever_the_texts_hold() -> None:
    trap = Identity("kerb-01", 'a "backfilled":false trap \\"backfilled":false', {"ocr": '"backfilled":false'})
    body = seal(describe(plate_event(), trap), PLACE)
    live, late = json.loads(body), json.loads(backfilled(body))
    assert live.pop("backfilled") is False
    assert late.pop("backfilled") is True
    assert live == late


def test_lowest_score_is_the_weakest_characters() -> None:
    chars = tuple(CharacterVote(char, score) for char, score in zip("AB1", (0.9, 0.41236, 0.99), strict=True))
    assert document(plate_event(vote=vote("AB1", chars=chars)))["lowest_score"] == 0.4124


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"type": "maybe"}, "type"),
        ({"camera": "a/b"}, "camera"),
        ({"camera": ""}, "camera"),
        ({"camera": "a#"}, "camera"),
        ({"captured_utc_s": float("nan")}, "captured_utc_s"),
        ({"captured_utc_s": 1e18}, "captured_utc_s"),
        ({"height_px": float("inf")}, "height_px"),
        ({"height_px": -1.0}, "height_px"),
        ({"box": np.array([0, 0, np.nan, 1], np.float32)}, "box"),
        ({"quad": np.zeros((4, 3), np.float32)}, "quad"),
        ({"latency_ms": {"read": float("nan")}}, "latency_ms.read"),
        ({"direction": "up"}, "direction"),
        ({"track": -1}, "track"),
        ({"vote": vote(score=1.5)}, "score"),
        ({"vote": vote(score=float("nan"))}, "score"),
        ({"vote": vote(lines=3)}, "lines"),
        ({"vote": vote("")}, "plate"),
        ({"vote": vote(raw="51f")}, "raw"),
        ({"vote": vote(chars=(CharacterVote("AB", 0.5),))}, "chars[0].char"),
        ({"vote": vote(candidates=(Candidate("A", -0.1),))}, "candidates"),
    ],
)
def test_what_has_no_place_in_the_schema_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(EventError, match=r"expected") as caught:
        describe(plate_event(**change), IDENTITY)
    assert named in str(caught.value).split(" is ")[0] or named in str(caught.value).split(" are ")[0]


def test_a_device_is_one_topic_level() -> None:
    with pytest.raises(EventError, match="device is 'a/b'"):
        Identity("a/b")


# Anything that the types allow, and a little more: texts of any kind, numbers that are none.
texts = st.text(ALPHABET, max_size=9) | st.text(max_size=3)
scores = st.floats(-0.1, 1.1) | st.floats(0, 1, width=32).map(np.float32) | st.just(float("nan"))
names = st.text(max_size=12)
candidates = st.lists(st.builds(Candidate, texts, scores), max_size=3).map(tuple)
votes = st.builds(
    Vote,
    plate=texts,
    raw=texts,
    lines=st.integers(0, 3),
    score=scores,
    chars=st.lists(st.builds(CharacterVote, st.sampled_from(ALPHABET) | st.text(max_size=2), scores, candidates), max_size=9).map(tuple),
    candidates=candidates,
    region=st.builds(RegionMatch, names, names, scores, st.booleans(), names),
    reads=st.integers(-1, 99),
    agreeing=st.integers(0, 99),
    enhanced=st.integers(0, 99),
)
sides = st.floats(-1e6, 1e6, width=32) | st.floats(width=32)
events = st.builds(
    PlateEvent,
    type=st.sampled_from((*TYPES, "late")),
    camera=st.just("gate") | names,
    track=st.integers(-1, 10**9),
    captured_utc_s=st.floats(0, 4e9) | st.floats(),
    captured_ns=st.integers(0, 2**63),
    vote=votes,
    frames_seen=st.integers(0, 10**6),
    box=st.lists(sides, min_size=4, max_size=4).map(lambda xs: np.array(xs, np.float32)),
    quad=st.lists(sides, min_size=8, max_size=8).map(lambda xs: np.array(xs, np.float32).reshape(4, 2)),
    height_px=st.floats(0, 500) | st.floats(),
    image_size=st.tuples(st.integers(0, 8000), st.integers(0, 8000)),
    direction=st.sampled_from((*DIRECTIONS, "")),
    stationary=st.booleans(),
    latency_ms=st.dictionaries(names, st.floats(0, 1e5) | st.floats(), max_size=4),
)


@settings(max_examples=150, deadline=None)
@given(events)
def test_any_event_is_valid_or_refused(event: PlateEvent) -> None:
    try:
        body = seal(describe(event, IDENTITY), PLACE)
    except EventError:
        return
    for form in (body, backfilled(body)):
        VALIDATOR.validate(json.loads(form, parse_constant=lambda word: pytest.fail(f"{word} got out")))


sound_votes = st.text(ALPHABET, min_size=1, max_size=10).flatmap(
    lambda plate: st.builds(vote, st.just(plate), score=st.floats(0, 1), lines=st.sampled_from((1, 2)), candidates=st.just(()))
)


@settings(max_examples=60, deadline=None)
@given(vote=sound_votes, site=st.text(st.characters(exclude_categories=["Cs"])), utc_s=st.floats(0, 4e9))
def test_sound_events_are_never_refused(vote: Vote, site: str, utc_s: float) -> None:
    found = document(plate_event(vote=vote, captured_utc_s=utc_s), replace(IDENTITY, site=site))
    VALIDATOR.validate(found)
    assert found["plate"] == vote.plate
    assert found["site"] == site


def test_integers_that_no_float_and_no_database_holds_are_refused() -> None:
    """float() of an integer of 400 digits is an OverflowError, which nobody had expected of an event."""
    for changes in ({"captured_ns": 10**400}, {"track": 10**18}, {"image_size": (1280, 10**30)}, {"latency_ms": {"read": 10**400}}):
        with pytest.raises(EventError, match="expected a"):
            describe(plate_event(**changes), IDENTITY)


def test_a_level_is_no_longer_than_a_topic_bears() -> None:
    describe(plate_event(camera="a" * 100), IDENTITY)
    with pytest.raises(EventError, match=r"camera is .*1 to 100 characters"):
        describe(plate_event(camera="a" * 101), IDENTITY)
