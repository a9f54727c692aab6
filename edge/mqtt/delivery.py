"""From the outbox to the broker: which event goes next, and what each answer means for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from edge.events import backfilled
from edge.mqtt.config import MqttConfig, Topics
from edge.mqtt.connection import Ack, Connection, ConnectionLostError
from edge.mqtt.pacing import Retries, Window
from edge.outbox import Outbox, Row

log = logging.getLogger(__name__)

NOBODY_LISTENS = 0x10
REFUSED = 0x80
SLOWEST = 6
"""Times ack_timeout_s that one event may wait while others are answered."""


class Delivery:
    """Sends the outbox's events through one connection after another; lives on the publisher's thread.

    Events go in their order, those that were refused behind all others, so that no event holds up the ones after it.
    """

    def __init__(self, config: MqttConfig, outbox: Outbox, topics: Topics, clock: Callable[[], float] = time.monotonic) -> None:
        self.window = Window(config.window)
        self.published = self.refused = self.unheard = self.oversize = 0
        self.on_acknowledged: Callable[[Sequence[Row]], None] = lambda rows: None
        self._config, self._outbox, self._topics, self._clock = config, outbox, topics, clock
        self._retries = Retries()
        self._cursor = 0  # the last sequence sent through this connection
        self._late_until = 0  # events up to this sequence were accepted before the connection was up
        self._fresh_had_turn = False
        self._said: set[str] = set()

    def begin(self, link: Connection) -> None:
        """A connection is up: send again what the last one owed."""
        self.window.open(link.receive_maximum)
        self._cursor = 0
        self._late_until = self._outbox.state.last_sequence
        self._said.clear()

    def fill(self, link: Connection) -> None:
        """Send what there is room for. Raises ConnectionLostError, OutboxError."""
        due = self._retries.due(self._clock())
        rows = self.window.rows
        if rows and (due or rows[0].tries):  # what was refused travels alone: if it ends the connection, nothing else suffers
            return
        if due and (self._fresh_had_turn or self._cursor >= self._outbox.state.last_sequence):
            self._fresh_had_turn = False
            self._send_refused(link)
        else:
            self._fresh_had_turn = True
            self._send_fresh(link)

    def settle(self, acks: Sequence[Ack]) -> None:
        """Act on the broker's answers. Raises OutboxError."""
        taken: list[Row] = []
        turned_down: list[Row] = []
        for ack in acks:
            row = self.window.settle(ack.mid, self._clock())
            self._count(ack, row)
            if row is not None:
                (taken if self._is_taken(ack) else turned_down).append(row)
        if taken:
            self._acknowledge(taken)
        if turned_down:
            self._turn_down(turned_down)

    def end(self) -> None:
        """The connection is gone, with all that was in flight. Raises OutboxError."""
        culprit = self.window.lost()
        if culprit is not None:
            log.warning("event %d (%d bytes) ends the connection when sent alone: behind the others", culprit.sequence, len(culprit.body))
            self._turn_down([culprit])

    def check_overdue(self) -> None:
        """Raises ConnectionLostError where the broker has owed an answer for too long."""
        now, patience_s = self._clock(), self._config.ack_timeout_s
        if self.window.quiet_s(now) > patience_s or self.window.waited_s(now) > SLOWEST * patience_s:
            raise ConnectionLostError(f"no acknowledgement in {self.window.waited_s(now):.0f} s")

    def _send_fresh(self, link: Connection) -> None:
        last = self._outbox.state.last_sequence
        waiting = last - self._cursor
        if not waiting or self.window.room < min(waiting, self.window.limit / 2):  # half a window at a time: fewer, larger reads
            return
        rows = self._outbox.fresh(self._cursor, self.window.room)
        for row in rows:
            self._cursor = row.sequence
            self._send(link, row)
        if not rows:
            self._cursor = last

    def _send_refused(self, link: Connection) -> None:
        rows = self._outbox.refused(min(self._retries.room, self.window.room))
        for row in rows:
            self._send(link, row)
        if not rows and self.window.room:
            self._retries.none_left()

    def _send(self, link: Connection, row: Row) -> None:
        topic = self._topics.of(row.topic)
        body = backfilled(row.body) if row.tries or row.sequence <= self._late_until else row.body
        if not link.fits(topic, body):
            self.oversize += 1
            self._say(f"the broker takes packets of up to {link.maximum_packet_size} bytes; event {row.sequence} has {len(body)}")
            self._turn_down([row])
            return
        try:
            self.window.sent(link.publish(topic, body, qos=1), row, self._clock())
        except ConnectionLostError:
            self.window.sent(0, row, self._clock())  # it went halfway, and may be what ended the connection
            raise

    def _is_taken(self, ack: Ack) -> bool:
        return ack.code < REFUSED and not (ack.code == NOBODY_LISTENS and self._config.keep_unheard)

    def _count(self, ack: Ack, row: Row | None) -> None:
        if ack.code >= REFUSED:
            self.refused += 1
            self._say(f"the broker refuses what we publish: {ack.reason}; may this user publish below {self._topics.of('#')}?")
        elif ack.code == NOBODY_LISTENS and row is not None:
            self.unheard += 1

    def _acknowledge(self, rows: list[Row]) -> None:
        self._outbox.acknowledge([row.sequence for row in rows])
        self.published += len(rows)
        if any(row.tries for row in rows):
            self._retries.taken(self._clock(), self.window.limit)
        self.on_acknowledged(rows)

    def _turn_down(self, rows: list[Row]) -> None:
        self._outbox.refuse([row.sequence for row in rows])
        self._retries.refused(self._clock(), again=any(row.tries for row in rows))

    def _say(self, warning: str) -> None:
        """Once a connection."""
        if warning not in self._said:
            self._said.add(warning)
            log.warning("%s", warning)
