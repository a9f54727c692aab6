"""A consumer that notes when each event came first, and acknowledges what it is told to: plain paho, nothing of ours but the message."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.mqtt.ack import ack_of
from tests.edge.mqtt.mosquitto import HOST
from tests.edge.waiting import until


class Listener:
    """Everything on `<anything>/plate`; `acknowledges` says of an event whether it is told so."""

    def __init__(self, port: int, acknowledges: Callable[[dict[str, Any]], bool] = lambda event: False) -> None:
        self.first_s: dict[str, float] = {}
        self.deliveries = 0
        self._acknowledges = acknowledges
        self._granted: list[int] = []
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *rest: client.subscribe("kerbside/+/+/plate", 1)
        self._client.on_subscribe = lambda *rest: self._granted.append(1)
        self._client.on_message = self._hear
        self._client.connect(HOST, port)
        self._client.loop_start()
        until(lambda: self._granted, "the listener's subscription")

    def _hear(self, client: Client, data: Any, message: MQTTMessage) -> None:
        event = json.loads(message.payload)
        self.deliveries += 1
        self.first_s.setdefault(event["id"], time.monotonic())
        if self._acknowledges(event):
            client.publish(f"kerbside/{event['device']}/ack", ack_of([event["id"]]), 1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
