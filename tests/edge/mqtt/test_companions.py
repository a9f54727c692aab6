"""Hits and other systems' shapes against a real mosquitto: none is lost that its event survives, and none costs an event."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from alpr.types import Hit
from edge.adapters import Adapters, Announcement, Companions, HomeAssistant
from edge.adapters.home_assistant import Described
from edge.mqtt import Connection, MqttConfig, Publisher, Topics
from edge.mqtt.connection import Ack
from edge.mqtt.delivery import Delivery
from edge.mqtt.message import Message
from edge.outbox import Outbox
from tests.edge.mqtt.mosquitto import Ear, Mosquitto, needs_mosquitto
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until

pytestmark = needs_mosquitto
TOPICS = Topics("kerbside", "kerb-01")
PLATES, HITS, UPDATES = "kerbside/kerb-01/gate/plate", "kerbside/kerb-01/gate/hit", "frigate/tracked_object_update"
HIT = Hit("staff", "allow", "51F73420", "", 0.9)
ALL = Adapters(frigate=True, openalpr=True, plate_recognizer=True)
SHAPES = (UPDATES, "frigate/events", "kerbside/kerb-01/gate/openalpr", "kerbside/kerb-01/gate/platerecognizer")

Brokers = Callable[..., Mosquitto]
Ears = Callable[..., Ear]
Start = Callable[..., Publisher]


@pytest.fixture
def publisher(outbox: Outbox) -> Iterator[Start]:
    started: list[Publisher] = []

    def start(port: int, adapters: Adapters = ALL, announce: Callable[..., Any] = tuple, **settings: Any) -> Publisher:
        config = MqttConfig(port=port, **{"retry_first_s": 0.1, "retry_most_s": 0.5, "ack_timeout_s": 5.0, **settings})
        started.append(Publisher(config, outbox, IDENTITY, companions=Companions(adapters, TOPICS), announce=announce))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.close()
        each.check()


def sequences(payloads: list[bytes]) -> set[int]:
    return {json.loads(payload)["sequence"] for payload in payloads}


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_each_event_brings_all_its_messages(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox, version: str) -> None:
    broker = mosquitto()
    listener = ear(broker.port)
    publishing = publisher(broker.port, version=version)
    for track in range(60):  # three times what mosquitto takes at once
        outbox.accept(plate_event(track=track, hits=(HIT,)))
    assert publishing.drain(60)
    for topic in (PLATES, HITS, *SHAPES):
        assert len(listener.wait_for(topic, 60)) == 60, topic
    assert (publishing.state.published, publishing.state.refused, publishing.state.connects) == (60, 0, 1)


def test_what_a_killed_broker_swallowed_comes_again(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox) -> None:
    """The broker dies over and over while events leave: in the end every hit and every shape was heard, of every event."""
    broker = mosquitto(keeps=True)
    listener = ear(broker.port)
    publishing = publisher(broker.port)
    for round_ in range(3):
        until(lambda: publishing.state.connected, "a connection")
        for track in range(40):
            outbox.accept(plate_event(track=40 * round_ + track, hits=(HIT,)))
        broker.stop(kill=True)
        broker.start()
    assert publishing.drain(60)
    until(lambda: sequences(listener.payloads(PLATES)) == set(range(1, 121)), "all events")
    until(lambda: sequences(listener.payloads(HITS)) == set(range(1, 121)), "all hits")
    for topic in SHAPES:
        until(lambda topic=topic: len(set(listener.payloads(topic))) >= 120, topic)


def test_an_event_is_not_done_while_its_hit_is_unheard(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox) -> None:
    broker = mosquitto()
    publishing = publisher(broker.port, adapters=Adapters())
    recorder = ear(broker.port, PLATES)
    outbox.accept(plate_event(hits=(HIT,)))
    recorder.wait_for(PLATES, 1)
    until(lambda: publishing.state.unheard, "that nobody heard the hit")
    assert outbox.state.backlog == 1
    barrier = ear(broker.port, HITS)
    assert publishing.drain(60)
    assert sequences(barrier.wait_for(HITS, 1)) == {1}


def test_who_listens_to_a_shape_alone_is_somebody(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox) -> None:
    """Nobody subscribes to the plates themselves: the events are done all the same, and do not pile up."""
    broker = mosquitto()
    listener = ear(broker.port, "frigate/#")
    publishing = publisher(broker.port)
    for _ in range(30):
        outbox.accept(plate_event())
    assert publishing.drain(60)
    assert len(listener.wait_for(UPDATES, 1)) == 30


def test_an_adapter_that_may_not_publish_costs_no_event(
    mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite kerbside/#\ntopic read #\n")
    rules.chmod(0o600)
    broker = mosquitto(f"acl_file {rules}")
    listener = ear(broker.port)
    publishing = publisher(broker.port, adapters=Adapters(frigate=True))
    for _ in range(30):
        outbox.accept(plate_event())
    assert publishing.drain(60)
    assert sequences(listener.wait_for(PLATES, 30)) == set(range(1, 31)) and not listener.payloads(UPDATES)
    assert publishing.state.refused == 60 and outbox.state.dead == 0
    assert "where adapters and home_assistant publish" in caplog.text


def test_a_message_too_large_for_the_broker_costs_no_event(mosquitto: Brokers, ear: Ears, outbox: Outbox) -> None:
    broker = mosquitto("max_packet_size 4000")
    listener = ear(broker.port)

    def goes_with(below: str, body: bytes) -> tuple[Message, ...]:
        return Message("large", b"x" * 5000), Message("small", b"y")

    publishing = Publisher(MqttConfig(port=broker.port), outbox, IDENTITY, companions=goes_with)
    publishing.start()
    outbox.accept(plate_event())
    assert publishing.drain(60)
    publishing.close()
    publishing.check()
    assert len(listener.wait_for(PLATES, 1)) == 1 and listener.wait_for("small", 1) == [b"y"] and not listener.payloads("large")
    assert publishing.state.oversize == 1 and publishing.state.connects == 1


def test_events_of_an_older_form_are_sent_without_what_cannot_be_made_of_them(
    mosquitto: Brokers, ear: Ears, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    broker = mosquitto()
    listener = ear(broker.port)

    def broken(below: str, body: bytes) -> tuple[()]:
        raise KeyError("vehicle")

    publishing = Publisher(MqttConfig(port=broker.port), outbox, IDENTITY, companions=broken)
    publishing.start()
    outbox.accept(plate_event())
    assert publishing.drain(60)
    publishing.close()
    publishing.check()
    assert len(listener.wait_for(PLATES, 1)) == 1 and "goes out without its companions" in caplog.text


def test_discovery_is_retained_and_goes_when_it_is_switched_off(mosquitto: Brokers, publisher: Start, ear: Ears, tmp_path: Path) -> None:
    topic = "homeassistant/device/kerbside_kerb-01/config"
    broker = mosquitto()
    unit = Described(IDENTITY, TOPICS, ("gate",), lists=False)
    first = publisher(broker.port, announce=Announcement(HomeAssistant(True, announced=tmp_path / "a.json"), unit))
    until(lambda: first.state.connected and not first.state.in_flight, "the announcement's acknowledgement")
    newcomer = ear(broker.port, "homeassistant/#")
    (found,) = newcomer.wait_for(topic, 1)
    assert json.loads(found)["device"]["name"] == "kerb-01" and (topic, found, True) in newcomer.heard
    first.close()
    second = publisher(broker.port, announce=Announcement(HomeAssistant(False, announced=tmp_path / "a.json"), unit))
    until(lambda: b"" in newcomer.payloads(topic), "its end")
    until(lambda: not second.state.in_flight, "that the broker has it")
    late = ear(broker.port, "#")
    until(lambda: any(heard == TOPICS.availability for heard, _, _ in list(late.heard)), "what is retained")
    assert not late.payloads(topic)


class Quiet:
    """A connection whose broker answers what the test lets it."""

    receive_maximum, maximum_packet_size = 20, 1 << 20

    def __init__(self) -> None:
        self.published: list[str] = []

    def fits(self, topic: str, payload: bytes) -> bool:
        return True

    def publish(self, topic: str, payload: bytes, qos: int) -> int:
        self.published.append(topic)
        return len(self.published)


def test_a_companion_that_is_never_acknowledged_holds_up_no_other_event(outbox: Outbox) -> None:
    """Its event goes behind the others and is sent anew, as one is whose own answer never comes."""
    now = [100.0]
    config = MqttConfig(ack_timeout_s=5, settle_s=0)
    delivery = Delivery(config, outbox, TOPICS, lambda: now[0], companions=lambda below, body: (Message("shape", b"s"),))
    link = Quiet()

    def answer(*mids: int) -> None:
        delivery.hear_broker([Ack(mid, 0, "") for mid in mids])

    delivery.begin(cast(Connection, link))
    delivery.window.sent(99, None, now[0])  # the birth
    answer(99)
    delivery.fill(cast(Connection, link))  # nothing waits, and nothing of an earlier run
    outbox.accept(plate_event())
    delivery.fill(cast(Connection, link))
    assert link.published == [PLATES, "shape"]
    answer(1)
    now[0] += 1
    outbox.accept(plate_event())
    delivery.fill(cast(Connection, link))
    answer(3, 4)
    until(lambda: outbox.state.backlog == 1, "the second event is done")
    now[0] += 6
    delivery.window.sent(98, None, now[0])  # a status: the broker lives
    answer(98)
    delivery.check_overdue()
    until(lambda: [row.sequence for row in outbox.refused(10)] == [1], "the first is put behind")
    now[0] += 60
    for _ in range(3):
        delivery.fill(cast(Connection, link))
    assert link.published[4:] == [PLATES, "shape"]
    answer(2)  # too late: that was the first sending
    answer(5, 6)
    until(lambda: outbox.state.backlog == 0, "the first is done too")
