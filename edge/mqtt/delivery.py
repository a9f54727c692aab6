"""From the outbox to the broker: which event goes next, and what each answer means for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from edge.events import backfilled
from edge.mqtt.bundles import NOBODY_LISTENS, REFUSED, Bundles, Companions, alone
from edge.mqtt.config import MqttConfig, Topics
from edge.mqtt.connection import Ack, Connection, ConnectionLostError
from edge.mqtt.consumer import Consumer
from edge.mqtt.message import Message
from edge.mqtt.pacing import Retries, Window
from edge.mqtt.settling import Settling
from edge.outbox import FRESH, Outbox, Row

log = logging.getLogger(__name__)

SLOWEST = 6
"""Times ack_timeout_s that one event may wait while others are answered."""


class Delivery:
    """Sends the outbox's events through one connection after another; lives on the publisher's thread.

    Fresh events go first and in their order, then what somebody wants once more; what was refused goes behind all others, so that no
    event holds up the ones after it.
    """

    def __init__(
        self,
        config: MqttConfig,
        outbox: Outbox,
        topics: Topics,
        clock: Callable[[], float] = time.monotonic,
        companions: Companions = alone,
    ) -> None:
        self.window = Window(config.window)
        self._bundles, self._companions = Bundles(), companions
        self.consumer = Consumer(config.consumer_ack_s)
        self.settling = Settling(0 if config.consumer_ack else config.settle_s)
        self.published = self.refused = self.unheard = self.oversize = self.unwanted = 0
        self.on_acknowledged: Callable[[Sequence[Row]], None] = lambda rows: None
        self._config, self._outbox, self._topics, self._clock = config, outbox, topics, clock
        self._retries = Retries()
        self._answered = False  # whether the broker has acknowledged anything through this connection, the birth for one
        self._cursor = 0  # the last sequence sent through this connection
        self._late_until = 0  # events up to this sequence were accepted before the connection was up
        self._replayed, self._replays_left = 0, True  # an earlier run may have left some
        self._replays_from_s, self._recalled = float("-inf"), False
        self._fresh_had_turn = False
        self._said: set[str] = set()

    def begin(self, link: Connection) -> None:
        """A connection is up: send again what the last one owed."""
        self.window.open(link.receive_maximum)
        self._cursor, self._answered, self._recalled = 0, False, False
        self._late_until = self._outbox.state.last_sequence
        self._said.clear()

    def recall(self) -> bool:
        """Have what did not settle sent again, now that there is another connection → whether there is such. Raises OutboxError.

        It is sent so late that a consumer may say before what it has of it: that need not come twice.
        """
        unsettled = self._outbox.recall()
        self._recalled, self._replays_left = True, self._replays_left or unsettled > 0
        self._replays_from_s = self._clock() + (self._config.settle_s if unsettled else 0)
        return unsettled > 0

    def fill(self, link: Connection) -> None:
        """Send what there is room for. Raises ConnectionLostError, OutboxError."""
        if not self._recalled:  # the disk failed when it was to be done
            self.recall()
        self._send_companions(link)
        due = self._answered and self._retries.due(self._clock())  # what a broker refuses is its fault only where it answers at all
        rows = self.window.rows
        if rows and (due or rows[0].tries):  # what was refused travels alone: if it ends the connection, nothing else suffers
            return
        if due and (self._fresh_had_turn or not self._waiting):
            self._fresh_had_turn = False
            self._send_refused(link)
        else:
            self._fresh_had_turn = True
            self._send_fresh(link)
            self._send_replays(link)
        self._send_companions(link)

    def hear_broker(self, acks: Sequence[Ack]) -> None:
        """Act on the broker's answers. Raises OutboxError."""
        taken: list[Row] = []
        unheard: list[Row] = []
        refused: dict[str, list[Row]] = {}
        for each in acks:
            row = self.window.answered(each.mid, self._clock())
            self._answered = True
            ack = each if row is None else self._bundles.answered(row, each)
            self._count(each, ack, row)
            if row is None or ack is None:
                continue
            if ack.code >= REFUSED:
                refused.setdefault(ack.reason, []).append(row)
            else:
                (unheard if ack.code == NOBODY_LISTENS and self._config.keep_unheard else taken).append(row)
        self._finish(self.consumer.published(taken, self._clock()) if self._config.consumer_ack else taken)
        self._postpone(unheard)
        for reason, rows in refused.items():
            self._turn_down(rows, reason)

    def hear_consumer(self, sequences: Sequence[int]) -> None:
        """The consumer has committed events, of this run or of an earlier one. Raises OutboxError."""
        if not self._config.consumer_ack:
            self._outbox.confirm(sequences)
            return
        in_flight = {row.sequence for row in (*self.window.rows, *self._bundles.unsent)}
        done = self.consumer.acknowledged(sequences, in_flight, self._clock())
        self._finish(done)
        known = {row.sequence for row in done} | in_flight
        if others := [each for each in sequences if each not in known]:
            self._outbox.acknowledge(others)

    def end(self) -> None:
        """The connection is gone, with all that was in flight. Raises OutboxError."""
        self.settling.forget()
        self._bundles.clear()
        if early := self.consumer.forget():
            self._outbox.acknowledge(early)
        culprit = self.window.lost()
        if culprit is not None:
            log.warning("event %d (%d bytes) ends the connection when sent alone: behind the others", culprit.sequence, len(culprit.body))
            self._turn_down([culprit], "the connection ended whenever it was sent alone")

    def settle(self) -> None:
        """What the broker has acknowledged long enough ago is done for good. Raises OutboxError."""
        if settled := self.settling.settled(self.window.newest_s):
            self._outbox.settle(settled)

    def check_overdue(self) -> None:
        """Raises ConnectionLostError where the broker has owed an answer for too long, OutboxError."""
        now, patience_s = self._clock(), self._config.ack_timeout_s
        if self.window.quiet_s(now) > patience_s or self.window.waited_s(now) > SLOWEST * patience_s:
            raise ConnectionLostError(f"no acknowledgement in {self.window.waited_s(now):.0f} s")
        if overlooked := self.window.overlooked(now, patience_s):
            self._say("the broker acknowledges some events and others never: these go behind the rest")
            self._turn_down(overlooked, "the broker acknowledged later ones and not this one")
        if self.window.clogged:
            raise ConnectionLostError("too many events were never acknowledged")
        overdue = self.consumer.overdue(now)
        if overdue.unwanted:
            self.unwanted += len(overdue.unwanted)
            self._turn_down(overdue.unwanted, "the consumer acknowledged others and not this one")
        if overdue.silent:
            self._say("the consumer acknowledges nothing: what it was sent is sent again; does one run, and with consumer acknowledgement?")
            self._cursor, self._replays_left = 0, True

    @property
    def _waiting(self) -> int:
        """Fresh events that were not sent yet, or fewer: some may be done."""
        last = self._outbox.state.last_sequence
        self._cursor = min(self._cursor, last)  # a new outbox in the place of a damaged one may begin below
        return last - self._cursor

    @property
    def _room(self) -> int:
        return max(0, min(self.window.room, self._config.window - len(self.consumer.sequences)))

    def _send_fresh(self, link: Connection) -> None:
        waiting, room = self._waiting, self._room
        if not waiting or room < min(waiting, self.window.limit / 2):  # half a window at a time: fewer, larger reads
            return
        rows = self._outbox.fresh(self._cursor, room)
        for row in rows:
            self._cursor = row.sequence
            if not self._is_under_way(row):
                self._send(link, row)
        if not rows:
            self._cursor += waiting  # and not to what is the last by now: it may have been accepted since

    def _send_replays(self, link: Connection) -> None:
        state = self._outbox.state
        if state.replayed != self._replayed:
            self._replayed, self._replays_left = state.replayed, True
        room = self._room
        held = self._clock() < self._replays_from_s
        if held or not self._replays_left or self._waiting or room < self.window.limit / 2:
            return
        rows = self._outbox.replays(room + self._out)
        for row in [row for row in rows if not self._is_under_way(row)][:room]:
            self._send(link, row)
        self._replays_left = bool(rows)

    def _send_refused(self, link: Connection) -> None:
        room = min(self._retries.room, self._room)
        rows = self._outbox.refused(room + self._out)
        idle = [row for row in rows if not self._is_under_way(row)]
        for row in idle[:room]:
            self._send(link, row)
        if not rows and room:
            self._retries.none_left()
        elif not idle:  # the consumer has them all: nothing to do before it says a word, or is overdue
            self._retries.refused(self._clock(), again=True)

    @property
    def _out(self) -> int:
        """Events sent and not done."""
        return len(self.window.rows) + len(self.consumer.sequences)

    def _is_under_way(self, row: Row) -> bool:
        return row.sequence in self.consumer.sequences or any(
            row.sequence == each.sequence for each in (*self.window.rows, *self._bundles.unsent)
        )

    def _send(self, link: Connection, row: Row) -> None:
        topic = self._topics.of(row.topic)
        body = backfilled(row.body) if row.lane != FRESH or row.sequence <= self._late_until else row.body
        if not link.fits(topic, body):
            self.oversize += 1
            self._say(f"the broker takes packets of up to {link.maximum_packet_size} bytes; event {row.sequence} has {len(body)}")
            self._turn_down([row], f"larger than the {link.maximum_packet_size} bytes that the broker takes")
            return
        mid = self._publish(link, row, topic, body)
        self._bundles.begin(row, mid, [message for message in self._companions_of(row, body) if self._may_go(link, message)])

    def _companions_of(self, row: Row, body: bytes) -> Sequence[Message]:
        """One event that has no form in another system's eyes holds up nothing."""
        try:
            return tuple(self._companions(row.topic, body))
        except (KeyError, TypeError, ValueError) as error:
            self._say(f"event {row.sequence} goes out without its companions, which cannot be made of it: {error!r}")
            return ()

    def _send_companions(self, link: Connection) -> None:
        """As many as there is room for: the events' own messages are already on their way."""
        while self.window.room and (item := self._bundles.next()) is not None:
            row, message = item
            self._bundles.sent(row, self._publish(link, row, message.topic, message.payload), message)

    def _may_go(self, link: Connection, message: Message) -> bool:
        if link.fits(message.topic, message.payload):
            return True
        self.oversize += 1
        self._say(f"{message.topic}: {len(message.payload)} bytes, the broker takes packets of up to {link.maximum_packet_size}")
        return False

    def _publish(self, link: Connection, row: Row, topic: str, body: bytes) -> int:
        try:
            mid = link.publish(topic, body, qos=1)
        except ConnectionLostError:
            self.window.sent(0, row, self._clock())  # it went halfway, and may be what ended the connection
            raise
        self.window.sent(mid, row, self._clock())
        return mid

    def _count(self, each: Ack, event: Ack | None, row: Row | None) -> None:
        if each.code >= REFUSED:
            self.refused += 1
            where = f"below {self._topics.of('#')}, and where adapters and home_assistant publish"
            self._say(f"the broker refuses what we publish: {each.reason}; may this user publish {where}?")
        if row is not None and event is not None and event.code == NOBODY_LISTENS:
            self.unheard += 1

    def _finish(self, rows: list[Row]) -> None:
        if not rows:
            return
        sequences, settling = [row.sequence for row in rows], self.settling.settle_s > 0
        self._outbox.acknowledge(sequences, settling)
        if settling:
            self.settling.acknowledged(sequences, self._clock())
        self.published += len(rows)
        if any(row.tries for row in rows):
            self._retries.taken(self._clock(), self.window.limit)
        self.on_acknowledged(rows)

    def _postpone(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        self._outbox.postpone([row.sequence for row in rows])
        self._retries.refused(self._clock(), again=any(row.tries for row in rows))

    def _turn_down(self, rows: Sequence[Row], reason: str) -> None:
        for row in rows:
            self._bundles.forget(row.sequence)
        self._outbox.refuse([row.sequence for row in rows], reason)
        self._retries.refused(self._clock(), again=any(row.tries for row in rows))

    def _say(self, warning: str) -> None:
        """Once a connection."""
        if warning not in self._said:
            self._said.add(warning)
            log.warning("%s", warning)
