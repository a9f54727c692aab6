"""What the broker has acknowledged and may yet forget: it is sent again when the connection ends too soon after."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing

import pytest
from paho.mqtt.publish import single

from edge.mqtt import MqttConfig, Publisher
from edge.mqtt.ack import ack_of
from edge.mqtt.settling import TOGETHER_S, Settling
from edge.outbox import Outbox
from tests.chaos.proxy import Proxy
from tests.edge.mqtt.conftest import Start
from tests.edge.mqtt.mosquitto import HOST, Ear, Mosquitto, needs_mosquitto
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until

PLATES, ACK, AVAILABILITY = "kerbside/kerb-01/gate/plate", "kerbside/kerb-01/ack", "kerbside/kerb-01/availability"
SUBSCRIBE = 8
Brokers = Callable[..., Mosquitto]
Ears = Callable[..., Ear]


def ids(ear: Ear) -> list[str]:
    return [json.loads(payload)["id"] for payload in ear.payloads(PLATES)]


def restart(broker: Mosquitto) -> None:
    """kill -9: one that keeps no state has forgotten everything."""
    broker.stop(kill=True)
    broker.start()


def test_an_acknowledgement_settles_once_the_broker_was_alive_so_long_after_it() -> None:
    settling = Settling(2)
    settling.acknowledged([1, 2], 10)
    assert settling.settled(11.9) == []
    assert settling.settled(12) == [1, 2]
    assert settling.settled(99) == []


def test_acknowledgements_shortly_after_one_another_settle_together_and_none_too_early() -> None:
    settling = Settling(2)
    settling.acknowledged([1], 10)
    settling.acknowledged([2], 10 + 0.9 * TOGETHER_S)
    settling.acknowledged([3], 10 + 1.1 * TOGETHER_S)
    assert settling.settled(12) == []  # 2 was answered for later
    assert settling.settled(12 + 0.9 * TOGETHER_S) == [1, 2]
    assert settling.settled(12 + 1.1 * TOGETHER_S) == [3]


def test_a_connection_that_ends_takes_its_bookkeeping_along() -> None:
    settling = Settling(2)
    settling.acknowledged([1], 10)
    settling.forget()
    assert settling.settled(99) == []


@needs_mosquitto
def test_what_a_broker_acknowledged_and_took_to_its_grave_is_sent_again(
    mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox
) -> None:
    """344 of 10,001 events: the broker had acknowledged them, and had them in its memory alone when it was killed."""
    broker = mosquitto()
    first = ear(broker.port, PLATES)
    publishing = publisher(broker.port, settle_s=1)
    accepted = [outbox.accept(plate_event(track=track)) for track in range(20)]
    assert publishing.drain(30)
    first.close()
    broker.stop(kill=True)
    broker.start()
    second = ear(broker.port, PLATES)
    until(lambda: set(ids(second)) == set(accepted), "all of them again, under their ids")
    assert all(json.loads(payload)["backfilled"] for payload in second.payloads(PLATES))
    assert outbox.state.recalled == 20
    assert publishing.drain(30)


@needs_mosquitto
def test_what_has_settled_is_not_sent_again(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox) -> None:
    """Here the status is what the broker answers later: where nothing is read, nothing else is sent."""
    broker = mosquitto()
    listening = ear(broker.port, PLATES)
    publishing = publisher(broker.port, settle_s=0.2, status_s=0.1)
    accepted = [outbox.accept(plate_event(track=track)) for track in range(5)]
    assert publishing.drain(30)
    until(lambda: len(ids(listening)) == 5, "the events")
    time.sleep(3)  # much longer than they need
    connects = publishing.state.connects
    restart(broker)
    until(lambda: publishing.state.connects > connects and publishing.state.connected, "the publisher's return")
    last = outbox.accept(plate_event())
    until(lambda: last in ids(listening), "an event after it")
    assert outbox.state.recalled == 0
    assert sorted(ids(listening)) == sorted([*accepted, last])


@needs_mosquitto
def test_a_broker_that_says_nothing_more_settles_nothing(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox) -> None:
    """Its host has lost its power: the connection stays up for seconds, and the broker is long gone."""
    broker = mosquitto()
    ear(broker.port, PLATES)
    publishing = publisher(broker.port, settle_s=0.2, status_s=0.1)
    outbox.accept(plate_event())
    until(lambda: outbox.state.backlog == 0, "the acknowledgement")
    broker.freeze(True)
    time.sleep(2)
    assert publishing.state.connected
    broker.stop(kill=True)
    broker.start()
    until(lambda: outbox.state.recalled == 1, "the recall")


@needs_mosquitto
def test_a_unit_that_starts_again_recalls_what_had_not_settled(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox) -> None:
    """Unit and broker on one mains: both go at once."""
    broker = mosquitto()
    first = ear(broker.port, PLATES)
    publishing = publisher(broker.port, settle_s=1)
    event = outbox.accept(plate_event())
    assert publishing.drain(30)
    publishing.close()
    outbox.close()
    first.close()
    restart(broker)
    listening = ear(broker.port, PLATES)
    config = MqttConfig(port=broker.port, settle_s=0.5)
    with closing(Outbox(outbox.path, IDENTITY)) as again, closing(Publisher(config, again, IDENTITY)) as anew:
        anew.start()
        until(lambda: ids(listening) == [event], "the event again")


@needs_mosquitto
def test_what_a_consumer_says_it_has_is_not_sent_again(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox) -> None:
    """It is asked only after a connection has ended, and believed only of what a broker had acknowledged."""
    broker = mosquitto()
    listening = ear(broker.port, PLATES)
    publishing = publisher(broker.port, settle_s=5)
    accepted = [outbox.accept(plate_event(track=track)) for track in range(6)]
    assert publishing.drain(30)
    until(lambda: len(ids(listening)) == 6, "the events")
    restart(broker)
    until(lambda: outbox.state.recalled == 6, "the recall")
    single(ACK, ack_of(accepted[:4]), 1, hostname=HOST, port=broker.port)
    until(lambda: outbox.state.backlog == 2, "what the consumer has")
    until(lambda: len(ids(listening)) == 8, "the two others again")
    assert sorted(ids(listening)[6:]) == accepted[4:]


@needs_mosquitto
@pytest.mark.parametrize("settings", [{"settle_s": 0.0}, {"consumer_ack": True}])
def test_where_nothing_settles_nothing_is_recalled(
    mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox, settings: dict[str, object]
) -> None:
    broker = mosquitto()
    listening = ear(broker.port, PLATES)
    publishing = publisher(broker.port, **settings)
    event = outbox.accept(plate_event())
    until(lambda: ids(listening) == [event], "the event")
    single(ACK, ack_of([event]), 1, hostname=HOST, port=broker.port)
    assert publishing.drain(30)
    connects = publishing.state.connects
    restart(broker)
    until(lambda: publishing.state.connects > connects and publishing.state.connected, "the publisher's return")
    assert outbox.recall() == 0


class Jealous(Proxy):
    """Ends the connection of whoever subscribes, as some hosted brokers do with one who may not."""

    def _note(self, unanswered: set[bytes]) -> Callable[[int, bytes], bool]:
        def passes(kind: int, body: bytes) -> bool:
            if kind >> 4 == SUBSCRIBE:
                raise ConnectionError("not authorised")
            return True

        return passes


@needs_mosquitto
def test_a_broker_that_ends_the_connection_of_who_subscribes_is_asked_no_more(
    mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox
) -> None:
    """What is recalled must not keep the unit from its broker."""
    broker = mosquitto()
    listening = ear(broker.port, PLATES)
    event = outbox.accept(plate_event())
    outbox.acknowledge([1], settling=True)
    with closing(Jealous(broker.port, lambda body: False)) as front:
        publishing = publisher(front.port, settle_s=0.5)
        until(lambda: ids(listening) == [event], "the event, recalled")
        assert publishing.drain(30)
        assert publishing.state.connects == 3
