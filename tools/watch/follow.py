"""A subscription that comes back: fetches events from the broker, and acknowledges them once they are kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from edge.mqtt import ConnectError, Connection, ConnectionLostError, MqttConfig
from edge.mqtt.pacing import Backoff
from tools.watch.inbox import Inbox
from tools.watch.screen import Screen

SESSION_S = 7 * 24 * 3600
"""How long the broker keeps events for a watcher with a file."""
PUMP_S = 0.2
TOGETHER = 100


def follow(config: MqttConfig, topic: str, inbox: Inbox, screen: Screen, keeps: bool, patient: bool, stopped: threading.Event) -> None:
    """Watch until `stopped`. Raises ConnectError where the first connection fails, unless `patient`, and InboxError."""
    backoff = Backoff(config.retry_first_s, config.retry_most_s, np.random.default_rng())
    while not stopped.is_set():
        link = Connection(config, inbox.client_id, session_s=SESSION_S if keeps else 0)
        try:
            link.open(stopped.is_set)
            _subscribe(link, topic, config.ack_timeout_s)
            backoff.reset()
            patient = True
            screen.connection(f"watching {topic} on {config.address}")
            _fetch(link, inbox, screen, stopped.is_set)
            link.close()
        except (ConnectError, ConnectionLostError) as error:
            if stopped.is_set():
                return
            if not patient:
                raise
            screen.connection(f"no connection: {error}")
            stopped.wait(backoff.wait_s())
        finally:
            link.abort()


def _subscribe(link: Connection, topic: str, timeout_s: float) -> None:
    link.subscribe(topic)
    deadline = time.monotonic() + timeout_s
    while not link.granted:
        if time.monotonic() > deadline:
            raise ConnectionLostError("the broker does not answer")
        link.pump(PUMP_S)
    if link.granted[0].is_failure:
        raise ConnectError(f"the broker does not let this user subscribe to {topic}: {link.granted[0]}")


def _fetch(link: Connection, inbox: Inbox, screen: Screen, stopped: Callable[[], bool]) -> None:
    while not stopped():
        _gather(link)
        messages = [link.messages.popleft() for _ in range(len(link.messages))]
        events = inbox.take(message.payload for message in messages)
        for message in messages:
            link.acknowledge(message)
        screen.show(events, inbox)


def _gather(link: Connection) -> None:
    """Wait for a message, and take what came with it: they are committed together."""
    link.pump(PUMP_S)
    before = 0
    while before < len(link.messages) < TOGETHER:
        before = len(link.messages)
        link.pump(0)
