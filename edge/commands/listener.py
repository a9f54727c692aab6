"""The thread that hears commands, over a connection of its own: whatever comes in there, no event waits for it."""

from __future__ import annotations

import logging
import threading
from typing import Final

import numpy as np

from edge.commands.desk import Desk
from edge.mqtt import ConnectError, Connection, ConnectionLostError, MqttConfig, MqttConfigError, Topics
from edge.mqtt.pacing import Backoff

log = logging.getLogger(__name__)

PUMP_S: Final = 0.25


class Listener:
    """`start`, `check` now and then, `close`."""

    def __init__(self, config: MqttConfig, device: str, desk: Desk, rng: np.random.Generator) -> None:
        self.failure: BaseException | None = None
        self.problem = "not started"
        topics = Topics(config.prefix, device)
        self._config, self._desk, self._of = config, desk, topics.of
        self._client_id = f"kerbside-{device}-cmd"
        self._backoff = Backoff(config.retry_first_s, config.retry_most_s, rng)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="commands", daemon=True)

    def start(self) -> Listener:
        self._thread.start()
        return self

    def check(self) -> None:
        """Raise what ended the thread, if anything did."""
        if self.failure is not None:
            raise RuntimeError(f"commands are heard no more: {self.failure!r}") from self.failure

    def close(self, timeout_s: float = 1.0) -> None:
        """May be called again."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._once()
                self._closing.wait(self._backoff.wait_s())
        except BaseException as error:  # kept for the owner, who raises it
            self.failure = error
            log.critical("commands are heard no more: %r", error)

    def _once(self) -> None:
        """One connection. Its session ends with it: what is sent while the unit is away has no one to do it, and would come late."""
        link = Connection(self._config, self._client_id)
        try:
            link.open(self._closing.is_set)
            link.subscribe(self._of("cmd"))
            self._backoff.reset()
            while not self._closing.is_set():
                link.pump(PUMP_S)
                self._note_grants(link)
                self._answer(link)
            link.close()
        except (ConnectError, ConnectionLostError, MqttConfigError) as error:
            self._note(str(error))
        finally:
            link.abort()

    def _answer(self, link: Connection) -> None:
        while link.messages:
            message = link.messages.popleft()
            answer, done = self._desk.hear(bytes(message.payload), message.retain)
            if done is not None and done.picture is not None:
                self._publish(link, *done.picture)
            if answer is not None:
                self._publish(link, "cmd/result", answer)
            link.acknowledge(message)

    def _publish(self, link: Connection, below: str, payload: bytes) -> None:
        topic = self._of(below)
        if link.fits(topic, payload):
            link.publish(topic, payload, qos=1)
        else:
            log.warning("%s has %d bytes, the broker takes packets of %d", topic, len(payload), link.maximum_packet_size)

    def _note_grants(self, link: Connection) -> None:
        while link.granted:
            granted = link.granted.popleft()
            self._note(f"the broker does not let us subscribe to {self._of('cmd')}: {granted}" if granted.is_failure else "")

    def _note(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            log.log(logging.WARNING if problem else logging.INFO, "commands: %s", problem or f"listening on {self._of('cmd')}")
