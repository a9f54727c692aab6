"""What tests in several rooms start: brokers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.edge.mqtt.mosquitto import Mosquitto


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Starts brokers, with settings of mosquitto.conf; stops them after the test."""
    running: list[Mosquitto] = []

    def start(*settings: str, **how: Any) -> Mosquitto:
        running.append(Mosquitto(tmp_path / f"mosquitto-{len(running)}", *settings, **how))
        return running[-1].start()

    yield start
    for broker in running:
        if broker.running:
            broker.freeze(False)
        broker.stop()
