"""A broker, an outbox and a publisher for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.mqtt import MqttConfig, Publisher
from edge.outbox import Outbox
from tests.edge.mqtt.mosquitto import Ear
from tests.edge.plates import IDENTITY

Start = Callable[..., Publisher]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "outbox.db", IDENTITY)
    yield opened
    opened.close()


@pytest.fixture
def publisher(outbox: Outbox) -> Iterator[Start]:
    """Starts publishers of `outbox`, impatient ones; a test that ends leaves none, and none that had failed."""
    started: list[Publisher] = []

    def start(port: int, status: Callable[[], dict[str, Any]] = dict, **settings: Any) -> Publisher:
        config = MqttConfig(port=port, **{"retry_first_s": 0.1, "retry_most_s": 0.5, "ack_timeout_s": 3.0, **settings})
        started.append(Publisher(config, outbox, IDENTITY, status))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.close()
        each.check()


@pytest.fixture
def ear() -> Iterator[Callable[..., Ear]]:
    ears: list[Ear] = []

    def listen(port: int, topic: str = "#", **connect: Any) -> Ear:
        ears.append(Ear(port, topic, **connect))
        return ears[-1]

    yield listen
    for each in ears:
        each.close()
