"""The thread that talks to the broker: connects, says that the device is there, sends events, status and crops, and comes back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alpr.types import U8
from edge.events import Identity
from edge.mqtt.ack import AckError, sequences_of
from edge.mqtt.announcing import Announcing
from edge.mqtt.bundles import Companions, alone
from edge.mqtt.config import MqttConfig, MqttConfigError, Topics
from edge.mqtt.connection import ConnectError, Connection, ConnectionLostError
from edge.mqtt.crop import Crops
from edge.mqtt.delivery import Delivery
from edge.mqtt.message import Message
from edge.mqtt.pacing import Backoff
from edge.mqtt.presence import Presence
from edge.mqtt.waker import Waker
from edge.outbox import Outbox, OutboxError, Row
from edge.pulse import Pulse

log = logging.getLogger(__name__)

PUMP_S = 0.25
"""The longest wait for the socket: what is timed, status and retries, is late by this much at most."""
LEAVE_S = 0.4
"""How long a stop waits for the last acknowledgements."""
OUTBOX_AGAIN_S = 0.5
"""Between two attempts to read an outbox whose disk fails."""
GRACE_S = 0.5
"""How long a consumer that has heard of our return may take to tell what it has: that need not be sent again."""
GIVE_UP = 2
"""Some brokers end the connection of one who subscribes to what it may not: asked so often in vain, they are asked no more."""
HELD_S = 10.0
"""A connection that held for so long makes the next failure a first one."""


@dataclass(frozen=True, slots=True)
class PublisherState:
    """A moment of the publisher, for status and metrics. Counters start with the process."""

    connected: bool
    since_utc_s: float  # since when it is connected, or is not
    backlog: int
    in_flight: int
    published: int  # events that the broker, or the consumer, has acknowledged
    refused: int  # answers of the broker that it does not want something
    unheard: int  # answers that nobody had subscribed
    oversize: int
    awaiting: int  # events that the consumer has not acknowledged yet
    unwanted: int  # times that it acknowledged others and passed one over
    crops_dropped: int
    connects: int
    problem: str  # why there is no connection, "" where there is one
    consumer_problem: str  # why its acknowledgements cannot be heard, "" where they can


class Publisher:
    """`start` it, hand events to the outbox, `close` it. `failure` holds what ended its thread, if anything did; `check` raises it.

    `status` is called on the publisher's thread, with every connection and every status_s; numbers that are none become null.
    """

    def __init__(
        self,
        config: MqttConfig,
        outbox: Outbox,
        identity: Identity,
        status: Callable[[], Mapping[str, Any]] = dict,
        rng: np.random.Generator | None = None,
        companions: Companions = alone,
        announce: Callable[[], Iterable[Message]] = tuple,
    ) -> None:
        self.failure: BaseException | None = None
        self.pulse = Pulse()  # beats while there is a connection
        topics = Topics(config.prefix, identity.device)
        self._config, self._outbox, self._client_id = config, outbox, f"kerbside-{identity.device}"
        self._device, self._topics = identity.device, topics
        self._delivery = Delivery(config, outbox, topics, companions=companions)
        self._announcing = Announcing(announce)
        self._presence = Presence(topics, status, config.status_s)
        self._crops = Crops(topics, config.crop_qos)
        self._backoff = Backoff(config.retry_first_s, config.retry_most_s, rng or np.random.default_rng())
        self._connects, self._since_utc_s, self._problem = 0, time.time(), "not started"
        self._consumer_problem = self._outbox_trouble = ""
        self._resume_s = 0.0
        self._unanswered = 0  # subscriptions to the consumer's topic, in a row, after which the connection ended
        self._closing = threading.Event()
        self._waker = Waker()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin. Raises MqttConfigError for certificates or secrets that cannot be read; a broker that is away is no error."""
        self._config.tls_context()
        self._config.credentials()
        self._outbox.on_accepted = self._waker.wake
        self._thread.start()

    def on_acknowledged(self, call: Callable[[Sequence[Row]], None]) -> None:
        """Have `call` called, on the publisher's thread, with the events that the broker has just acknowledged."""
        self._delivery.on_acknowledged = call

    def offer_crop(self, camera: str, event_id: str, bgr: U8) -> None:
        """Publish the picture of an accepted event, if crops are on and there is, or soon will be, a connection."""
        self._crops.offer(camera, event_id, bgr)
        self._waker.wake()

    def drain(self, timeout_s: float) -> bool:
        """Wait until every accepted event is acknowledged → whether they are."""
        deadline = time.monotonic() + timeout_s
        while self._outbox.state.backlog and self._thread.is_alive() and time.monotonic() < deadline:
            self._closing.wait(0.01)
        return self._outbox.state.backlog == 0

    @property
    def state(self) -> PublisherState:
        delivery = self._delivery
        return PublisherState(
            connected=not self._problem,
            since_utc_s=self._since_utc_s,
            backlog=self._outbox.state.backlog,
            in_flight=delivery.window.in_flight,
            published=delivery.published,
            refused=delivery.refused,
            unheard=delivery.unheard,
            oversize=delivery.oversize,
            awaiting=len(delivery.consumer.sequences),
            unwanted=delivery.unwanted,
            crops_dropped=self._crops.dropped,
            connects=self._connects,
            problem=self._problem,
            consumer_problem=self._consumer_problem,
        )

    def check(self) -> None:
        """Raise what ended the publisher's thread, if anything did."""
        if self.failure is not None:
            raise RuntimeError(f"the MQTT publisher stopped: {self.failure!r}") from self.failure

    def close(self, timeout_s: float = 0.9) -> None:
        """Take leave of the broker and end the thread; the outbox keeps what is not acknowledged. May be called again."""
        self._closing.set()
        self._waker.wake()
        if self._thread.ident is None:
            return
        self._thread.join(timeout_s)
        if self._thread.is_alive():  # in the resolver or in connect(), which nothing can interrupt: it ends with them, or with the process
            log.warning("still connecting to %s after %.1f s and left behind", self._config.address, timeout_s)

    # From here on: the publisher's thread.

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._once()
                self._closing.wait(self._backoff.wait_s())
        except BaseException as error:
            self.failure = error
            self._note(f"stopped: {error!r}")
            log.critical("the MQTT publisher stopped: %r", error)

    def _once(self) -> None:
        """One connection, from its beginning to its end."""
        link = Connection(self._config, self._client_id, self._presence.will)
        started_s, published = time.monotonic(), self._delivery.published
        try:
            link.open(self._closing.is_set)
            self._greet(link)
            self._serve(link)
            self._leave(link)
        except (ConnectError, ConnectionLostError, MqttConfigError, OutboxError) as error:
            self._note(str(error))
            self._mourn()
        finally:
            link.abort()
        if self._delivery.published > published or time.monotonic() - started_s > HELD_S:
            self._backoff.reset()

    def _greet(self, link: Connection) -> None:
        self._connects += 1
        self._delivery.begin(link)
        self._announcing.begin()
        unsettled = self._recall()
        if self._config.consumer_ack:
            self._resume_s = time.monotonic() + GRACE_S
        if self._config.consumer_ack or (unsettled and self._unanswered < GIVE_UP):
            self._unanswered += 1
            link.subscribe(self._topics.ack)
        self._delivery.window.sent(self._presence.come(link), None, time.monotonic())
        self._note("")

    def _recall(self) -> bool:
        """A disk that fails is no reason to keep quiet: the status tells of it, and `fill` tries again."""
        try:
            return self._delivery.recall()
        except OutboxError as error:
            self._outbox.check()
            self._say_trouble(str(error))
            return False

    def _serve(self, link: Connection) -> None:
        while not self._closing.is_set():
            self.pulse.beat()
            self._deliver(link)
            self._tell(link)
            self._pump(link, PUMP_S)
            self._hear_consumer(link)
            self._delivery.settle()
            self._delivery.check_overdue()

    def _deliver(self, link: Connection) -> None:
        """An outbox whose disk fails is no reason to leave the broker: it is asked again in half a second."""
        if time.monotonic() < self._resume_s:
            return
        try:
            self._delivery.fill(link)
            self._say_trouble("")
        except OutboxError as error:
            self._outbox.check()
            self._resume_s = time.monotonic() + OUTBOX_AGAIN_S
            self._say_trouble(str(error))

    def _hear_consumer(self, link: Connection) -> None:
        while link.granted:
            granted = link.granted.popleft()
            self._unanswered = 0
            if not self._config.consumer_ack:  # one word less to be had, and no harm
                continue
            self._consumer_problem = f"the broker does not let us subscribe to {self._topics.ack}: {granted}" if granted.is_failure else ""
            if self._consumer_problem:
                log.error("%s; no event will ever be done", self._consumer_problem)
        while link.messages:
            message = link.messages.popleft()
            try:
                self._delivery.hear_consumer(sequences_of(bytes(message.payload), self._device, self._outbox.state.uuid))
            except AckError as error:
                log.warning("an acknowledgement on %s %s", message.topic, error)
            link.acknowledge(message)

    def _say_trouble(self, trouble: str) -> None:
        if trouble and not self._outbox_trouble:
            log.warning("nothing to send while the outbox cannot be read: %s", trouble)
        self._outbox_trouble = trouble

    def _leave(self, link: Connection) -> None:
        """Say goodbye, and hear the last acknowledgements, so that as little as may be is sent twice after a restart."""
        window, deadline = self._delivery.window, time.monotonic() + LEAVE_S
        window.sent(self._presence.go(link), None, time.monotonic())
        while window.in_flight and time.monotonic() < deadline:
            self._pump(link, 0.05)
        link.close()
        self._note("closed")

    def _tell(self, link: Connection) -> None:
        """What is no event: the status, and crops."""
        window = self._delivery.window
        for publish in (self._presence.tell, self._announcing.publish, self._crops.publish):
            if window.room and (mid := publish(link)) is not None:
                window.sent(mid, None, time.monotonic())

    def _pump(self, link: Connection, timeout_s: float) -> None:
        acks = link.pump(timeout_s, self._waker.socket)
        self._waker.drain()
        if acks:
            self._delivery.hear_broker(acks)

    def _mourn(self) -> None:
        """The connection has ended by itself."""
        try:
            self._delivery.end()
        except OutboxError as error:
            self._note(str(error))

    def _note(self, problem: str) -> None:
        """Remember why there is no connection, and log it when that changes, not with every attempt."""
        if problem == self._problem:
            return
        if bool(problem) != bool(self._problem):
            self._since_utc_s = time.time()
        self._problem = problem
        if problem and problem != "closed":
            log.warning("MQTT: %s", problem)
        else:
            log.info("MQTT: %s %s", "left" if problem else "connected to", self._config.address)
