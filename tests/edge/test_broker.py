"""The demo's own broker: our publisher and tools.watch's connection meet in it."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest

from edge.broker import EmbeddedBroker, EmbeddedBrokerError
from edge.mqtt import ConnectError, Connection, MqttConfig, Publisher
from edge.outbox import Outbox
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until


def test_events_through_the_embedded_broker(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    broker = EmbeddedBroker()
    broker.start()
    config = MqttConfig(port=broker.port, version="3.1.1", connect_timeout_s=20, ack_timeout_s=20)
    listener = Connection(config, "listener")
    listener.open()
    listener.subscribe("kerbside/+/+/plate")
    outbox = Outbox(tmp_path / "outbox.db", IDENTITY)
    publisher = Publisher(config, outbox, IDENTITY, lambda: {"fps": 25})
    until(lambda: [*listener.pump(0.1), *listener.granted], "the subscription")
    publisher.start()
    heard: list[str] = []
    accepted = [outbox.accept(plate_event()) for _ in range(50)]
    assert until(lambda: hear(listener, heard, 50), "50 events") == accepted
    assert publisher.drain(30)
    publisher.close()
    listener.close()
    outbox.close()
    broker.close()
    broker.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "broker"]
    assert not [record for record in caplog.records if record.name.startswith("amqtt") and record.levelno < logging.CRITICAL]


def hear(listener: Connection, heard: list[str], count: int) -> list[str]:
    """Take and acknowledge what has come → the ids, once there are so many: amqtt gives a message up after 5 s without an answer."""
    listener.pump(0.1)
    while listener.messages:
        message = listener.messages.popleft()
        heard.append(json.loads(message.payload)["id"])
        listener.acknowledge(message)
    return heard if len(heard) >= count else []


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    broker = EmbeddedBroker()
    broker.start()
    second = EmbeddedBroker(broker.port)
    with pytest.raises(EmbeddedBrokerError, match=f"{broker.port}.*already in use"):
        second.start()
    second.close()
    broker.close()


def test_it_speaks_311_alone_and_a_client_of_5_is_told_what_to_do() -> None:
    broker = EmbeddedBroker()
    broker.start()
    with pytest.raises(ConnectError, match=r"does not answer.*mqtt\.version 5"):
        Connection(MqttConfig(port=broker.port, connect_timeout_s=0.5), "client").open()
    broker.close()
