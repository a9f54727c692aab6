"""The consumer's acknowledgement: an event is done when the consumer has it, and not before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from paho.mqtt.publish import single

from edge.mqtt import MqttConfig, Publisher
from edge.mqtt.ack import MOST_IDS, SCHEMA_FILE, AckError, ack_of, sequences_of
from edge.mqtt.consumer import PATIENCE_MOST_S, Consumer, Overdue
from edge.outbox import Outbox, OutboxLimits, Row
from tests.chaos.listener import Listener
from tests.edge.mqtt.conftest import Start
from tests.edge.mqtt.mosquitto import HOST, Ear, Mosquitto, needs_mosquitto
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until

ACK, PLATES = "kerbside/kerb-01/ack", "kerbside/kerb-01/gate/plate"
Brokers = Callable[..., Mosquitto]
Ears = Callable[..., Ear]
Listen = Callable[..., Listener]


def row(sequence: int) -> Row:
    return Row(sequence, "gate/plate", b"{}", 0)


@pytest.fixture
def listener() -> Iterator[Listen]:
    started: list[Listener] = []

    def listen(port: int, acknowledges: Callable[[dict[str, Any]], bool]) -> Listener:
        started.append(Listener(port, acknowledges))
        return started[-1]

    yield listen
    for each in started:
        each.close()


def test_an_acknowledgement_is_as_its_schema_says() -> None:
    schema = json.loads((files("edge") / "schemas" / SCHEMA_FILE).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(ack_of(["kerb-01-0f-3"])))
    assert schema["properties"]["ids"]["maxItems"] == MOST_IDS


def test_only_ids_of_this_outbox_count() -> None:
    ids = ["kerb-01-0f-3", "kerb-01-0f-12", "kerb-01-aa-4", "kerb-02-0f-5", "kerb-01-0f--6", "kerb-01-0f-7x", "", "kerb-01-0f-" + "9" * 30]
    assert sequences_of(ack_of(ids), "kerb-01", "0f") == [3, 12]
    assert sequences_of(ack_of(["k.1-0f-3", "kx1-0f-4"]), "k.1", "0f") == [3]  # a name is no pattern


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"schema":"kerbside.ack/1"}',
        b'{"schema":"kerbside.ack/1","ids":[1]}',
        b'{"schema":"kerbside.ack/2","ids":[]}',
        b"[" * 100_000,
        b" " * (1 << 19),
        ack_of(["a"] * (MOST_IDS + 1)),
    ],
    ids=range(10),
)
def test_what_is_no_acknowledgement_is_an_error_that_says_what_was_expected(payload: bytes) -> None:
    with pytest.raises(AckError, match=r"expected|no JSON"):
        sequences_of(payload, "kerb-01", "0f")


@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_anything_is_an_error_or_nothing(payload: bytes) -> None:
    try:
        assert sequences_of(payload, "kerb-01", "0f") == []
    except AckError:
        return


def test_what_the_consumer_passes_over_is_unwanted() -> None:
    consumer = Consumer(10)
    assert consumer.published([row(1), row(2)], 0) == []
    consumer.published([row(3), row(4)], 1)
    assert consumer.acknowledged([3, 99], set(), 8) == [row(3)]
    assert consumer.overdue(10) == Overdue()
    assert consumer.overdue(12) == Overdue((row(1), row(2)))  # and row 4 was published with the one that it has acknowledged
    assert list(consumer.sequences) == [4]


def test_a_slow_consumer_is_let_be() -> None:
    consumer = Consumer(10)
    consumer.published([row(sequence) for sequence in range(100)], 0)
    for sequence in range(99):
        consumer.acknowledged([sequence], set(), 5.0 * sequence)
        assert consumer.overdue(5.0 * sequence + 4) == Overdue()


def test_what_a_consumer_never_answers_is_sent_again_later_and_later() -> None:
    consumer = Consumer(10)
    for now, patience_s in ((0, 10), (100, 20), (200, 40)):
        consumer.published([row(4)], now)
        assert consumer.overdue(now + patience_s - 1) == Overdue()
        assert consumer.overdue(now + patience_s + 1) == Overdue(silent=True)
        assert not consumer.sequences
    for _ in range(20):
        consumer.published([row(4)], 1000)
        consumer.overdue(1000 + 2 * PATIENCE_MOST_S)
    consumer.published([row(4)], 9000)
    assert consumer.overdue(9001 + PATIENCE_MOST_S).silent  # and no later than that


def test_a_consumer_may_be_faster_than_the_broker() -> None:
    consumer = Consumer(10)
    assert consumer.acknowledged([7], {7, 8}, 1) == []
    assert consumer.published([row(7), row(8)], 2) == [row(7)]
    consumer.acknowledged([9], {9}, 3)
    assert consumer.forget() == [9]


@needs_mosquitto
def test_an_event_is_done_only_when_the_consumer_has_it(mosquitto: Brokers, publisher: Start, ear: Ears, outbox: Outbox) -> None:
    broker = mosquitto()
    listening = ear(broker.port, PLATES)
    publishing = publisher(broker.port, consumer_ack=True)
    accepted = [outbox.accept(plate_event()) for _ in range(5)]
    until(lambda: publishing.state.awaiting == 5, "the broker's acknowledgements")
    assert outbox.state.backlog == len(set(listening.payloads(PLATES))) == 5
    single(ACK, b"rubbish", 1, hostname=HOST, port=broker.port)
    single(ACK, ack_of([*accepted[:3], "kerb-01-of-another-9"]), 1, hostname=HOST, port=broker.port)
    until(lambda: outbox.state.backlog == 2, "three done")
    assert (publishing.state.published, publishing.state.awaiting) == (3, 2)


@needs_mosquitto
def test_a_silent_consumer_is_sent_everything_again(mosquitto: Brokers, publisher: Start, listener: Listen, outbox: Outbox) -> None:
    broker = mosquitto()
    awake: list[bool] = []
    consumer = listener(broker.port, lambda event: bool(awake))
    publisher(broker.port, consumer_ack=True, consumer_ack_s=0.5)
    accepted = [outbox.accept(plate_event()) for _ in range(5)]
    until(lambda: consumer.deliveries >= 10, "all of them again")
    awake.append(True)
    until(lambda: outbox.state.backlog == 0, "all done")
    assert set(consumer.first_s) == set(accepted)
    assert outbox.state.dead == 0  # nobody is to blame for a consumer that is away


@needs_mosquitto
def test_what_the_consumer_never_wants_becomes_a_dead_letter(
    mosquitto: Brokers, publisher: Start, listener: Listen, outbox: Outbox
) -> None:
    outbox.close()
    broker = mosquitto()
    listener(broker.port, lambda event: event["camera"] != "yard")
    picky = Outbox(outbox.path, IDENTITY, OutboxLimits(most_refusals=1))
    publishing = Publisher(MqttConfig(port=broker.port, consumer_ack=True, consumer_ack_s=0.5), picky, IDENTITY)
    publishing.start()
    picky.accept(plate_event(camera="yard"))
    for _ in range(200):
        picky.accept(plate_event())
        if picky.state.dead:
            break
        until(lambda: picky.state.backlog <= 1, "the others done")
    until(lambda: picky.state.dead == 1 and picky.state.backlog == 0, "the unwanted one dead, the others done")
    publishing.close()
    picky.close()


@needs_mosquitto
def test_a_consumer_that_works_through_a_backlog(mosquitto: Brokers, publisher: Start, listener: Listen, outbox: Outbox) -> None:
    accepted = [outbox.accept(plate_event(track=track)) for track in range(300)]
    broker = mosquitto()
    consumer = listener(broker.port, lambda event: True)
    publishing = publisher(broker.port, consumer_ack=True)
    assert publishing.drain(30)
    assert set(consumer.first_s) == set(accepted)
    assert consumer.deliveries == 300
    assert publishing.state.awaiting == 0


@pytest.mark.parametrize("depth", [100, 900, 990])
def test_an_acknowledgement_that_nests_deep_is_an_error(depth: int) -> None:
    """At 990 levels it was still read, and then too deep to be put into words: the publisher's thread ended."""
    with pytest.raises(AckError, match="nests deeper"):
        sequences_of(b"[" * depth + b"]" * depth, "kerb-01", "0f")
