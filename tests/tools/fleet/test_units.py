"""What a fleet knows of its units by their messages alone; time is passed in."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from edge.events import Identity, Place, describe, seal
from tests.edge.plates import plate_event, vote
from tests.tools.fleet.standin import STATUS
from tools.fleet.baseline import Baselines
from tools.fleet.quality import BASELINE, RECENT
from tools.fleet.units import SETTLE_S, STALE_S, Fleet


@pytest.fixture
def fleet() -> Fleet:
    return Fleet("kerbside", Baselines())


def plate(sequence: int, outbox: str = "ab", agreeing: int = 9, **changes: Any) -> bytes:
    said = replace(vote(), reads=10, agreeing=agreeing)
    return seal(describe(plate_event(vote=said, **changes), Identity("kerb-01")), Place(outbox, 1, sequence))


def only(fleet: Fleet, now: float = 0.0) -> dict[str, Any]:
    (unit,) = fleet.report(now)
    return unit


def test_a_unit_is_what_it_says(fleet: Fleet) -> None:
    fleet.take("kerbside/kerb-01/availability", b"online", 0)
    fleet.take("kerbside/kerb-01/status", json.dumps(STATUS).encode(), 0)
    fleet.take("kerbside/kerb-01/gate/plate", plate(7), 0)
    unit = only(fleet, 3)
    assert (unit["device"], unit["online"], unit["version"], unit["fps"]) == ("kerb-01", True, "0.2.0", 24.0)
    assert (unit["drops"], unit["backlog"], unit["temperature_c"], unit["work"]) == (7, 0, 56.5, "everything")
    assert (unit["reads"], unit["last_read_utc"], unit["missing"], unit["status_age_s"]) == (1, "2023-11-14T22:13:20.123Z", 0, 3)
    assert unit["cameras"]["gate"]["quality"] == {"vehicles": 1, "agreement": 0.9, "matching": 1.0, "height_px": 25.0}
    assert unit["alarms"] == []
    json.dumps(unit, allow_nan=False)


def test_duplicates_count_once_and_late_ones_fill_their_gap(fleet: Fleet) -> None:
    for sequence in (7, 8, 8, 11, 9):
        fleet.take("kerbside/kerb-01/gate/plate", plate(sequence), 0)
    unit = only(fleet)
    assert (unit["reads"], unit["missing"], unit["alarms"]) == (4, 1, [])
    assert only(fleet, SETTLE_S + 1)["alarms"] == ["1 events are missing"]
    fleet.take("kerbside/kerb-01/gate/plate", plate(10), SETTLE_S + 2)
    assert only(fleet, 2 * SETTLE_S + 5)["alarms"] == []


def test_a_new_outbox_begins_its_own_count(fleet: Fleet) -> None:
    for outbox, sequence in (("ab", 500), ("cd", 1), ("cd", 2)):
        fleet.take("kerbside/kerb-01/gate/plate", plate(sequence, outbox), 0)
    assert only(fleet)["missing"] == 0


def test_alarms_say_who_is_away_silent_or_in_trouble(fleet: Fleet) -> None:
    away = {"gate": {**STATUS["cameras"]["gate"], "phase": "down"}}
    events = {**STATUS["events"], "trouble": "database or disk is full"}
    fleet.take("kerbside/kerb-01/availability", b"online", 0)
    fleet.take("kerbside/kerb-01/status", json.dumps({**STATUS, "cameras": away, "events": events}).encode(), 0)
    assert only(fleet)["alarms"] == ["database or disk is full", "gate: no picture (down)"]
    assert only(fleet, STALE_S + 5)["alarms"][0] == "has not said how it is for 125 s"
    fleet.take("kerbside/kerb-01/availability", b"offline", 0)
    assert only(fleet, STALE_S + 5)["alarms"][0] == "is away"


def test_early_events_are_reads_and_no_vehicles(fleet: Fleet) -> None:
    fleet.take("kerbside/kerb-01/gate/plate", plate(1, type="early"), 0)
    unit = only(fleet)
    assert unit["reads"] == 1 and unit["cameras"]["gate"]["quality"] == {"vehicles": 0}


def test_a_camera_that_reads_worse_than_it_did_is_an_alarm(fleet: Fleet) -> None:
    for sequence in range(1, BASELINE + RECENT + 1):
        agreeing = 9 - sequence % 2 if sequence <= BASELINE else 5 + sequence % 2
        fleet.take("kerbside/kerb-01/gate/plate", plate(sequence, agreeing=agreeing), 0)
    assert only(fleet)["alarms"] == ["gate: reads of a vehicle agree to 55%, did to 85%"]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("kerb-01/gate/plate", b"{"),
        ("kerb-01/gate/plate", b'{"id": 3}'),
        ("kerb-01/status", b"[]"),
        ("kerb-01/status", b'{"version": 1}'),
        ("kerb-01/availability", b"maybe"),
        ("kerb-01/nothing", b"{}"),
    ],
)
def test_what_is_no_message_of_a_unit_makes_none(fleet: Fleet, topic: str, payload: bytes) -> None:
    fleet.take(f"kerbside/{topic}", payload, 0)
    assert fleet.report(0) == []
