"""An event that the broker will not have must not hold up those behind it, and is not thrown away."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge.mqtt import MqttConfig, Publisher
from edge.outbox import Outbox, OutboxLimits
from tests.edge.mqtt.conftest import Start
from tests.edge.mqtt.mosquitto import Ear, Mosquitto, needs_mosquitto
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until

pytestmark = needs_mosquitto
PLATES = "kerbside/kerb-01/gate/plate"
HUGE = {f"stage-{number}": 1.0 for number in range(2000)}

Brokers = Callable[..., Mosquitto]
Ears = Callable[..., Ear]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_an_oversize_event_does_not_block_those_behind(
    mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox, version: str
) -> None:
    """MQTT 5 says beforehand how much the broker takes; 3.1.1 only hangs up, and which event it was must be found out."""
    broker = mosquitto("max_packet_size 8000")
    listener = ear(broker.port)
    good = [outbox.accept(plate_event(track=track)) for track in range(5)]
    poison = outbox.accept(plate_event(latency_ms=HUGE))
    good += [outbox.accept(plate_event(track=track)) for track in range(5, 40)]
    publishing = publisher(broker.port, version=version)
    until(lambda: outbox.state.backlog == 1, "all but one")
    assert {json.loads(payload)["id"] for payload in listener.wait_for(PLATES, 40)} == set(good)
    live = outbox.accept(plate_event())
    until(lambda: outbox.state.backlog == 1, "an event after it")
    assert live
    (kept,) = until(lambda: outbox.refused(10), "the poison in the outbox")
    assert json.loads(kept.body)["id"] == poison
    assert publishing.state.oversize >= (1 if version == "5" else 0)


def test_what_the_broker_forbids_waits_behind_what_it_allows(
    mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An access list that knows one camera and not the other; once it is mended, the other's events arrive."""
    rules = tmp_path / "acl"
    allowed = "topic readwrite #\n"
    rules.write_text("topic read #\ntopic write kerbside/kerb-01/availability\ntopic write kerbside/kerb-01/gate/plate\n")
    broker = mosquitto(f"acl_file {rules}")
    listener = ear(broker.port)
    publishing = publisher(broker.port)
    forbidden = [outbox.accept(plate_event(camera="yard")) for _ in range(30)]
    good = [outbox.accept(plate_event()) for _ in range(30)]
    until(lambda: outbox.state.backlog == 30, "the allowed ones gone")
    assert [json.loads(payload)["id"] for payload in listener.wait_for(PLATES, 30)] == good
    assert {json.loads(row.body)["id"] for row in outbox.refused(100)} == set(forbidden)
    assert "the broker refuses" in caplog.text
    rules.write_text(allowed)
    broker.stop()
    broker.start()
    assert publishing.drain(30)
    assert publishing.state.refused >= 30


def test_many_refused_events_are_offered_one_at_a_time(mosquitto: Brokers, publisher: Start, outbox: Outbox, tmp_path: Path) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic read #\n")
    broker = mosquitto(f"acl_file {rules}")
    for _ in range(100):
        outbox.accept(plate_event())
    publishing = publisher(broker.port)
    until(lambda: len(outbox.refused(1000)) == 100, "each refused once")
    until(lambda: any(row.tries > 1 for row in outbox.refused(1000)), "one more try")
    assert sum(row.tries for row in outbox.refused(1000)) <= 103
    assert publishing.state.backlog == 100


def test_what_is_refused_too_often_is_a_dead_letter_and_can_be_sent_later(
    mosquitto: Brokers, ear: Ears, tmp_path: Path, outbox: Outbox
) -> None:
    """Two refusals here; once the access list is mended, one command sends it all the same."""
    outbox.close()
    rules = tmp_path / "acl"
    rules.write_text("topic read #\ntopic write kerbside/kerb-01/availability\ntopic write kerbside/kerb-01/gate/plate\n")
    broker = mosquitto(f"acl_file {rules}")
    strict = Outbox(outbox.path, IDENTITY, OutboxLimits(most_refusals=2))
    with (
        closing(strict),
        closing(Publisher(MqttConfig(port=broker.port, retry_first_s=0.1, retry_most_s=0.5), strict, IDENTITY)) as publishing,
    ):
        publishing.start()
        forbidden = strict.accept(plate_event(camera="yard"))
        until(lambda: strict.state.dead == 1, "the dead letter")
        good = strict.accept(plate_event())
        until(lambda: strict.state.backlog == 0 or publishing.state.unheard, "that nothing else waits")
        rules.write_text("topic readwrite #\n")
        broker.stop()
        broker.start()
        listener = ear(broker.port, "kerbside/kerb-01/+/plate")
        assert strict.revive(0, 4e9) == 1
        until(lambda: {json.loads(payload)["id"] for _, payload, _ in list(listener.heard)} == {forbidden, good}, "both")
        late = [json.loads(payload)["backfilled"] for topic, payload, _ in listener.heard if "yard" in topic]
        assert late[0] is True
