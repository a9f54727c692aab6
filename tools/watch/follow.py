"""A subscription that comes back: fetches events from the broker, and acknowledges them once they are kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from paho.mqtt.client import MQTTMessage

from edge.mqtt import ConnectError, Connection, ConnectionLostError, MqttConfig, Topics
from edge.mqtt.ack import ack_of
from edge.mqtt.pacing import Backoff
from edge.mqtt.presence import ONLINE
from tools.watch.inbox import Inbox
from tools.watch.screen import Screen

SESSION_S = 7 * 24 * 3600
"""How long the broker keeps events for a watcher with a file."""
PUMP_S = 0.2
TOGETHER = 100
UNANSWERED = 20
"""Acknowledgements that the broker has not acknowledged in its turn: mosquitto takes so many at a time."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be watched, and how."""

    device: str = "+"
    keeps: bool = False  # the broker keeps what comes while nobody watches
    tells: bool = False  # units are told what is safe here
    patient: bool = False  # a first connection that fails is tried again

    def topic(self, prefix: str) -> str:
        return Topics(prefix, self.device).of("+/plate")


def follow(config: MqttConfig, wish: Wish, inbox: Inbox, screen: Screen, stopped: threading.Event) -> None:
    """Watch until `stopped`. Raises ConnectError where the first connection fails, unless `patient`, and InboxError."""
    patient = wish.patient
    backoff = Backoff(config.retry_first_s, config.retry_most_s, np.random.default_rng())
    while not stopped.is_set():
        link = Connection(config, inbox.client_id, session_s=SESSION_S if wish.keeps else 0)
        try:
            link.open(stopped.is_set)
            if wish.tells:
                subscribe(link, Topics(config.prefix, wish.device).availability, config.ack_timeout_s)
            subscribe(link, wish.topic(config.prefix), config.ack_timeout_s)
            backoff.reset()
            patient = True
            screen.connection(f"watching {wish.topic(config.prefix)} on {config.address}")
            _fetch(link, inbox, screen, Teller(link, config.prefix) if wish.tells else None, stopped.is_set)
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


def subscribe(link: Connection, topic: str, timeout_s: float) -> None:
    link.subscribe(topic)
    deadline = time.monotonic() + timeout_s
    while not link.granted:
        if time.monotonic() > deadline:
            raise ConnectionLostError("the broker does not answer")
        link.pump(PUMP_S)
    granted = link.granted.popleft()
    if granted.is_failure:
        raise ConnectError(f"the broker does not let this user subscribe to {topic}: {granted}")


class Teller:
    """Tells units which of their events are safe here."""

    def __init__(self, link: Connection, prefix: str) -> None:
        self._link, self._prefix = link, prefix
        self._unanswered = 0

    def tell(self, kept: Mapping[str, Collection[str]]) -> None:
        """Raises ConnectionLostError."""
        for device, ids in kept.items():
            while self._unanswered >= UNANSWERED:
                self.hear(len(self._link.pump(PUMP_S)))
            self._link.publish(Topics(self._prefix, device).ack, ack_of(ids), qos=1)
            self._unanswered += 1

    def remind(self, messages: Iterable[MQTTMessage], recent: Mapping[str, Collection[str]]) -> None:
        """Tell a unit that has just come what it may not have heard: otherwise it sends all that again."""
        come = {message.topic.split("/")[-2] for message in messages if message.payload == ONLINE}
        self.tell({device: recent[device] for device in come if device in recent})

    def hear(self, answers: int) -> None:
        self._unanswered -= answers


def _fetch(link: Connection, inbox: Inbox, screen: Screen, teller: Teller | None, stopped: Callable[[], bool]) -> None:
    while not stopped():
        answers = _gather(link)
        messages = [link.messages.popleft() for _ in range(min(TOGETHER, len(link.messages)))]
        events = inbox.take(message.payload for message in messages if message.topic.endswith("/plate"))
        if teller is not None:
            teller.hear(answers)
            teller.tell(inbox.kept)
            teller.remind(messages, inbox.recent)
        for message in messages:
            link.acknowledge(message)
        screen.show(events, inbox)


def _gather(link: Connection) -> int:
    """Wait for a message, and take what came with it: they are committed together → the broker's answers to what we told."""
    answers = len(link.pump(0 if link.messages else PUMP_S))
    before = 0
    while before < len(link.messages) < TOGETHER:
        before = len(link.messages)
        answers += len(link.pump(0))
    return answers
