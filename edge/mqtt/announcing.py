"""What is announced with every connection, retained: one message after another, and never at the price of the events."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable

from edge.mqtt.connection import Connection
from edge.mqtt.message import Message

log = logging.getLogger(__name__)

GIVE_UP = 2
"""Some brokers end the connection of one who publishes where it may not: after so many in a row, nothing is announced through the next."""
HELD_S = 10.0
"""A connection that has held so long after an announcement was not ended by it."""


class Announcing:
    """Lives on the publisher's thread."""

    def __init__(self, announce: Callable[[], Iterable[Message]], clock: Callable[[], float] = time.monotonic) -> None:
        self._announce, self._clock = announce, clock
        self._waiting: deque[Message] = deque()
        self._in_vain = 0
        self._begun_s = float("-inf")

    def begin(self) -> None:
        """A connection is up."""
        self._begun_s = self._clock()
        self._waiting = deque(self._announce() if self._in_vain < GIVE_UP else ())
        self._in_vain += bool(self._waiting)

    def publish(self, link: Connection) -> int | None:
        """Send the next message, if there is one → its id where an acknowledgement will come."""
        if not self._waiting:
            if self._clock() - self._begun_s > HELD_S:
                self._in_vain = 0
            return None
        message = self._waiting.popleft()
        if not link.fits(message.topic, message.payload):
            log.warning("%s has %d bytes, the broker takes %d", message.topic, len(message.payload), link.maximum_packet_size)
            return None
        mid = link.publish(message.topic, message.payload, message.qos, message.retain)
        return mid if message.qos else None
