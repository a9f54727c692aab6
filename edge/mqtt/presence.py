"""What the device says of itself, retained: that it is there, and how it is."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from edge.mqtt.config import Topics
from edge.mqtt.connection import Connection, Will

log = logging.getLogger(__name__)

ONLINE, OFFLINE = b"online", b"offline"


class Presence:
    """`availability` (online, offline, and the will), and `status` every `every_s`; lives on the publisher's thread."""

    def __init__(self, topics: Topics, status: Callable[[], Mapping[str, Any]], every_s: float) -> None:
        self.will = Will(topics.availability, OFFLINE)
        self._topics, self._status, self._every_s = topics, status, every_s
        self._due_s = 0.0

    def come(self, link: Connection) -> int:
        """Say that the device is there → the message's id, to be acknowledged."""
        self._due_s = 0.0
        return link.publish(self._topics.availability, ONLINE, qos=1, retain=True)

    def go(self, link: Connection) -> int:
        return link.publish(self._topics.availability, OFFLINE, qos=1, retain=True)

    def tell(self, link: Connection) -> int | None:
        """Publish the status where it is due → the message's id, to be acknowledged: where nothing else is sent, that tells that the
        broker lives.
        """
        if time.monotonic() < self._due_s:
            return None
        self._due_s = time.monotonic() + self._every_s
        payload = json.dumps(finite(self._status()), allow_nan=False).encode()
        if link.fits(self._topics.status, payload):
            return link.publish(self._topics.status, payload, qos=1, retain=True)
        log.warning("status has %d bytes, the broker takes packets of %d", len(payload), link.maximum_packet_size)
        return None


def finite(value: Any) -> Any:
    """The same value with null for each number that is none, since JSON has no NaN."""
    if isinstance(value, Mapping):
        return {str(key): finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
