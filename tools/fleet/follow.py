"""A subscription to all that units say of themselves, which comes back after a loss."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable

import numpy as np

from edge.mqtt import ConnectError, Connection, ConnectionLostError, MqttConfig, Topics
from edge.mqtt.pacing import Backoff
from tools.fleet.units import Fleet
from tools.watch.follow import subscribe

PUMP_S = 0.2
TOGETHER = 500


def follow(config: MqttConfig, device: str, fleet: Fleet, stopped: threading.Event, look: Callable[[str], None]) -> None:
    """Until `stopped`; calls `look` with the connection's state after each breath. Raises ConnectError where the first connection fails."""
    backoff = Backoff(config.retry_first_s, config.retry_most_s, np.random.default_rng())
    connected_before = False
    while not stopped.is_set():
        link = Connection(config, f"kerbside-fleet-{uuid.uuid4().hex[:12]}")
        try:
            link.open(stopped.is_set)
            for topic in topics(config.prefix, device):
                subscribe(link, topic, config.ack_timeout_s)
            backoff.reset()
            connected_before = True
            while not stopped.is_set():
                _take(link, fleet)
                look(config.address)
            link.close()
        except (ConnectError, ConnectionLostError) as error:
            if not connected_before and not stopped.is_set():
                raise
            look(f"no connection: {error}")
            stopped.wait(backoff.wait_s())
        finally:
            link.abort()


def topics(prefix: str, device: str) -> tuple[str, ...]:
    of = Topics(prefix, device)
    return of.availability, of.status, of.of("+/plate")


def _take(link: Connection, fleet: Fleet) -> None:
    link.pump(0 if link.messages else PUMP_S)
    for _ in range(min(TOGETHER, len(link.messages))):
        message = link.messages.popleft()
        fleet.take(message.topic, bytes(message.payload), time.monotonic())
        link.acknowledge(message)
