"""The publisher against a real mosquitto: what is accepted arrives, and what the device says of itself is there."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.events import schema
from edge.mqtt import MqttConfig, Publisher
from edge.outbox import Outbox, Row
from tests.edge.mqtt.conftest import Start
from tests.edge.mqtt.mosquitto import Ear, Mosquitto, free_port, needs_mosquitto
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until

pytestmark = needs_mosquitto
PLATES, STATUS, AVAILABILITY = "kerbside/kerb-01/gate/plate", "kerbside/kerb-01/status", "kerbside/kerb-01/availability"

Brokers = Callable[..., Mosquitto]
Ears = Callable[..., Ear]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_published_acknowledged_and_gone_from_the_outbox(
    mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox, version: str
) -> None:
    broker = mosquitto()
    listener = ear(broker.port)
    publishing = publisher(broker.port, version=version)
    until(lambda: publishing.state.connected, "a connection")
    accepted = [outbox.accept(plate_event(track=track)) for track in range(250)]
    assert publishing.drain(30)
    found = [json.loads(payload) for payload in listener.wait_for(PLATES, 250)]
    assert [event["id"] for event in found] == accepted
    assert not any(event["backfilled"] for event in found)
    assert set(found[0]) == set(schema()["properties"])
    state = publishing.state
    assert (state.published, state.backlog, state.in_flight, state.refused, state.problem) == (250, 0, 0, 0, "")


def test_what_waited_for_the_broker_is_backfilled_and_in_order(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox) -> None:
    waited = [outbox.accept(plate_event()) for _ in range(3)]
    broker = mosquitto()
    listener = ear(broker.port)
    publishing = publisher(broker.port)
    assert publishing.drain(30)
    live = outbox.accept(plate_event())
    found = listener.wait_for(PLATES, 4)
    assert [(event["id"], event["backfilled"]) for event in map(json.loads, found)] == [*((one, True) for one in waited), (live, False)]


def test_availability_and_status_are_retained(mosquitto: Brokers, publisher: Start, ear: Ears) -> None:
    broker = mosquitto()
    publishing = publisher(broker.port, lambda: {"fps": 25.0, "temperatures": {"gpu": math.nan}, "drops": [1, math.inf]}, status_s=0.05)
    early = ear(broker.port, "kerbside/kerb-01/+")
    until(lambda: len(early.payloads("kerbside/kerb-01/status")) >= 3, "one status after another")
    late = ear(broker.port, "kerbside/kerb-01/+")
    until(lambda: {topic for topic, _, retained in list(late.heard) if retained} >= {STATUS, AVAILABILITY}, "both")
    assert (AVAILABILITY, b"online", True) in late.heard
    status = json.loads(next(payload for topic, payload, retained in late.heard if topic == STATUS and retained))
    assert status == {"fps": 25.0, "temperatures": {"gpu": None}, "drops": [1, None]}
    publishing.close()
    until(lambda: late.heard[-1] == (AVAILABILITY, b"offline", False), "the farewell")


def test_stops_at_once_with_the_outbox_intact(mosquitto: Brokers, publisher: Start, outbox: Outbox) -> None:
    """With a broker that has fallen silent and the window full: `close` waits for 0.9 s at most, and every event is still there."""
    broker = mosquitto()
    publishing = publisher(broker.port, ack_timeout_s=60.0)
    until(lambda: publishing.state.connected and not publishing.state.in_flight, "a connection")
    broker.freeze(True)
    for _ in range(150):
        outbox.accept(plate_event())
    until(lambda: publishing.state.in_flight == 20, "as many in flight as mosquitto's Receive Maximum allows")
    publishing.close()
    publishing.close()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "mqtt"], "the end of its thread", 5)
    assert outbox.state.backlog == 150


def test_a_silent_broker_is_left_and_everything_is_sent_again(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox) -> None:
    broker = mosquitto()
    listener = ear(broker.port)
    publishing = publisher(broker.port, ack_timeout_s=1.5)
    until(lambda: publishing.state.connected and not publishing.state.in_flight, "a connection")
    broker.freeze(True)
    accepted = [outbox.accept(plate_event()) for _ in range(20)]
    until(lambda: "no acknowledgement" in publishing.state.problem, "that it notices")
    broker.freeze(False)
    assert publishing.drain(30)
    found = listener.wait_for(PLATES, 20)
    assert {json.loads(payload)["id"] for payload in found} == set(accepted)


def test_nobody_there_is_a_state_not_a_failure(publisher: Start, outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    publishing = publisher(free_port(), retry_first_s=0.01, retry_most_s=0.02)
    until(lambda: "nothing listens" in publishing.state.problem, "the reason")
    outbox.accept(plate_event())
    assert not publishing.drain(0.3)
    assert not publishing.state.connected
    assert publishing.state.backlog == 1
    publishing.check()
    assert len([record for record in caplog.records if "nothing listens" in record.message]) == 1  # said once, tried often


def test_an_event_that_no_one_hears_is_kept_until_someone_does(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox) -> None:
    broker = mosquitto()
    publishing = publisher(broker.port)
    accepted = [outbox.accept(plate_event()) for _ in range(10)]
    until(lambda: publishing.state.unheard >= 10, "that nobody listens")
    assert outbox.state.backlog == 10
    listener = ear(broker.port)
    assert publishing.drain(30)
    found = listener.wait_for(PLATES, 10)
    assert {json.loads(payload)["id"] for payload in found} == set(accepted)


def test_an_event_accepted_while_the_outbox_is_found_empty_is_not_passed_over(
    mosquitto: Brokers, publisher: Start, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was the last one by the time that nothing had been found, and counted as seen: it waited for the next connection, or for ever."""
    asked = outbox.fresh
    late: list[str] = []

    def fresh(after: int, limit: int) -> list[Row]:
        rows = asked(after, limit)
        if not rows and not late:
            late.append(outbox.accept(plate_event()))
        return rows

    outbox.accept(plate_event())
    outbox.acknowledge([1])
    monkeypatch.setattr(outbox, "fresh", fresh)
    publishing = publisher(mosquitto().port, keep_unheard=False)
    until(lambda: late, "a look that finds nothing")
    assert publishing.drain(10)


def test_an_event_that_no_one_hears_may_be_done(mosquitto: Brokers, publisher: Start, outbox: Outbox) -> None:
    publishing = publisher(mosquitto().port, keep_unheard=False)
    outbox.accept(plate_event())
    assert publishing.drain(30)
    assert publishing.state.unheard == 1


def test_who_is_told_what_was_acknowledged(mosquitto: Brokers, publisher: Start, outbox: Outbox) -> None:
    publishing = publisher(mosquitto().port, keep_unheard=False)
    told: list[Row] = []
    publishing.on_acknowledged(told.extend)
    accepted = [outbox.accept(plate_event()) for _ in range(5)]
    until(lambda: len(told) == 5, "five events")
    assert [json.loads(row.body)["id"] for row in told] == accepted


@pytest.mark.parametrize("qos", [0, 1])
def test_crops_are_jpegs_that_name_their_event(mosquitto: Brokers, publisher: Start, ear: Ears, qos: int) -> None:
    broker = mosquitto()
    listener = ear(broker.port, "kerbside/kerb-01/gate/crop")
    publishing = publisher(broker.port, crop_qos=qos)
    bgr = np.full((24, 80, 3), (10, 120, 240), np.uint8)
    publishing.offer_crop("gate", "kerb-01-ab-7", bgr)
    (payload,) = listener.wait_for("kerbside/kerb-01/gate/crop", 1)
    assert b"kerb-01-ab-7" in payload[:100]
    decoded = cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert np.abs(decoded.astype(int) - bgr).max() <= 4


def test_crops_are_off_unless_asked_for(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox) -> None:
    broker = mosquitto()
    listener = ear(broker.port, "kerbside/kerb-01/gate/#")
    publishing = publisher(broker.port)
    publishing.offer_crop("gate", "kerb-01-ab-7", np.zeros((8, 8, 3), np.uint8))
    outbox.accept(plate_event())
    assert publishing.drain(30)
    until(lambda: listener.heard, "the event")
    assert [topic for topic, _, _ in listener.heard] == [PLATES]


def test_crops_that_wait_too_long_give_way_to_newer_ones(publisher: Start) -> None:
    publishing = publisher(free_port(), crop_qos=0)
    for number in range(40):
        publishing.offer_crop("gate", f"kerb-01-ab-{number}", np.zeros((8, 8, 3), np.uint8))
    assert publishing.state.crops_dropped == 24


def test_a_failure_on_its_thread_is_kept_for_its_owner(mosquitto: Brokers, outbox: Outbox) -> None:
    def broken() -> dict[str, object]:
        raise ZeroDivisionError("broken status")

    publishing = Publisher(MqttConfig(port=mosquitto().port), outbox, IDENTITY, broken)
    publishing.start()
    until(lambda: publishing.failure, "the failure")
    with pytest.raises(RuntimeError, match="broken status"):
        publishing.check()
    publishing.close()


def test_files_that_cannot_be_read_are_found_at_the_start(outbox: Outbox, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ca_file"):
        Publisher(MqttConfig(tls=True, ca_file=tmp_path / "none.crt"), outbox, IDENTITY).start()
    with pytest.raises(ValueError, match="password_file"):
        Publisher(MqttConfig(user="unit", password_file=tmp_path / "none"), outbox, IDENTITY).start()
