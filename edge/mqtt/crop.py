"""A plate's picture as it is published: a JPEG whose comment is the id of its event, so that it needs no message beside it."""

from __future__ import annotations

import logging
from collections import deque

import cv2

from alpr.types import U8
from edge.mqtt.config import Topics
from edge.mqtt.connection import Connection

log = logging.getLogger(__name__)

QUALITY = 90
WAITING = 16
START, COMMENT = b"\xff\xd8", b"\xff\xfe"


class Crops:
    """Crops on their way to the broker. Unlike events they are kept on no disk: a newer one takes the place of the oldest."""

    def __init__(self, topics: Topics, qos: int | None) -> None:
        self.dropped = 0
        self._topics, self._qos = topics, qos
        self._waiting: deque[tuple[str, str, U8]] = deque()

    def offer(self, camera: str, event_id: str, bgr: U8) -> None:
        """From any thread. Does nothing where crops are off."""
        if self._qos is None:
            return
        self._waiting.append((camera, event_id, bgr))
        if len(self._waiting) > WAITING:
            self._waiting.popleft()
            self.dropped += 1

    def publish(self, link: Connection) -> int | None:
        """Send the oldest, if there is one → its message's id where an acknowledgement will come."""
        if not self._waiting or self._qos is None:
            return None
        camera, event_id, bgr = self._waiting.popleft()
        topic, payload = self._topics.crop(camera), jpeg(bgr, event_id)
        if not link.fits(topic, payload):
            self.dropped += 1
            log.warning("crop of event %s has %d bytes, the broker takes %d", event_id, len(payload), link.maximum_packet_size)
            return None
        mid = link.publish(topic, payload, qos=self._qos)
        return mid if self._qos else None


def jpeg(bgr: U8, event_id: str) -> bytes:
    """A BGR picture (h, w, 3) → JPEG. Raises ValueError where there is nothing to encode."""
    if bgr.size == 0:
        raise ValueError(f"crop of event {event_id} is empty: {bgr.shape}")
    encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    comment = event_id.encode()
    return START + COMMENT + (len(comment) + 2).to_bytes(2, "big") + comment + encoded[len(START) :]
