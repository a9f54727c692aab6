"""One connection to a broker, from CONNECT to its end; the next one is a new object, so that paho keeps nothing of its own to send again.

Its owner's thread alone moves bytes (no `loop_start`): paho's callbacks then run inside `pump`, and do nothing but append. A lock held
round both publish() and on_publish deadlocks with paho's own; here is none.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.mqtt.config import MqttConfig
from edge.mqtt.diagnosis import diagnosis, remedy, unanswered

PUBLISH_OVERHEAD = 16
"""Bytes of a PUBLISH beside its topic and payload, at most: header, lengths, packet id, empty properties."""


class ConnectError(ConnectionError):
    """The broker could not be reached or did not let us in; the message says which and what to look at."""


class ConnectionLostError(ConnectionError):
    """The connection has ended; what was in flight must be sent again."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says, retained, when the client goes without a word."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Ack:
    """The broker's answer to a publication: an MQTT 5 reason code; 3.1.1 knows but 0."""

    mid: int
    code: int
    reason: str


class Connection:
    """A client for one connection. `session_s` above 0: the broker keeps the session, and what is published meanwhile, that long."""

    def __init__(self, config: MqttConfig, client_id: str, will: Will | None = None, session_s: int = 0) -> None:
        self.messages: deque[MQTTMessage] = deque()  # received; each is to be given to `acknowledge`
        self.granted: deque[ReasonCode] = deque()  # the broker's answers to `subscribe`
        self.receive_maximum, self.maximum_packet_size = 65535, 1 << 28
        self._config, self._session_s = config, session_s
        self._acks: deque[Ack] = deque()
        self._connacks: deque[tuple[ReasonCode, Properties | None]] = deque()
        self._ends: deque[str] = deque(maxlen=1)
        self._errors: deque[str] = deque(maxlen=1)
        self._poll = select.poll()
        self._client = self._make_client(client_id, will)

    def open(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Connect and wait for the broker's consent, connect_timeout_s for each. Raises ConnectError, MqttConfigError.

        What `cancelled` says is heeded while waiting for the consent; the resolver and connect() cannot be interrupted.
        """
        config = self._config
        context = config.tls_context()
        if context is not None:
            self._client.tls_set_context(context)
        user, password = config.credentials()
        if user:
            self._client.username_pw_set(user, password)
        try:
            self._client.connect(config.host, config.port_number, config.keepalive_s, **self._session())
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError, ssl.CertificateError a ValueError
            raise ConnectError(f"{config.address}: {diagnosis(error)}") from error
        self._await_consent(cancelled)

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> int:
        """Hand a message to the socket → its id, which the Ack will name. Raises ConnectionLostError."""
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self._lost()
        return info.mid

    def fits(self, topic: str, payload: bytes) -> bool:
        """Whether the broker takes a message of this size. One that does not fit ends the connection."""
        return len(topic.encode()) + len(payload) + PUBLISH_OVERHEAD <= self.maximum_packet_size

    def subscribe(self, topic: str, qos: int = 1) -> None:
        self._client.subscribe(topic, qos)

    def acknowledge(self, message: MQTTMessage) -> None:
        """Tell the broker that a message is safe here, and need not come again."""
        self._client.ack(message.mid, message.qos)

    def pump(self, timeout_s: float, wake: socket.socket | None = None) -> list[Ack]:
        """Move bytes both ways, waiting for some or for `wake` to be readable → the broker's answers. Raises ConnectionLostError."""
        sock = self._client.socket()
        if sock is None:
            raise self._lost()
        unread = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0  # decrypted already: the socket itself stays silent
        events = self._wait(sock, 0 if unread else timeout_s, wake)
        if unread or events & ~select.POLLOUT:
            _answer_at_once(sock)
            self._client.loop_read()
        if events & select.POLLOUT:
            self._client.loop_write()
        self._client.loop_misc()
        return [self._acks.popleft() for _ in range(len(self._acks))]

    def close(self, timeout_s: float = 0.3) -> None:
        """Take leave, so that the will stays unsaid. May be called again, and after the connection was lost."""
        self._client.disconnect()
        deadline = time.monotonic() + timeout_s
        while (sock := self._client.socket()) is not None and time.monotonic() < deadline:
            self._wait(sock, 0.05, None)
            self._client.loop_write()
        self.abort()

    def abort(self) -> None:
        """Close the socket without a word."""
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    def _make_client(self, client_id: str, will: Will | None) -> Client:
        v5 = self._config.version == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if v5 else self._session_s == 0,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = self._config.connect_timeout_s
        client.max_inflight_messages_set(0)  # no queue of paho's own: the owner keeps to the window
        client.on_connect, client.on_disconnect, client.on_log = self._on_connect, self._on_disconnect, self._on_log
        client.on_publish, client.on_subscribe, client.on_message = self._on_publish, self._on_subscribe, self._on_message
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        return client

    def _session(self) -> dict[str, Any]:
        if self._config.version != "5":
            return {}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._session_s
        return {"clean_start": self._session_s == 0, "properties": properties}

    def _await_consent(self, cancelled: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._config.connect_timeout_s
        while not self._connacks:
            if time.monotonic() > deadline or cancelled():
                self.abort()
                version = self._config.version
                raise ConnectError(f"{self._config.address}: does not answer; is it an MQTT broker that speaks mqtt.version {version}?")
            try:
                self.pump(0.1)
            except ConnectionLostError as error:
                raise ConnectError(f"{self._config.address}: {unanswered(str(error), self._config.tls)}") from error
        reason, properties = self._connacks.popleft()
        if reason.is_failure:
            self.abort()
            raise ConnectError(f"{self._config.address}: refused: {reason}{remedy(reason)}")
        self.receive_maximum = getattr(properties, "ReceiveMaximum", self.receive_maximum)
        self.maximum_packet_size = getattr(properties, "MaximumPacketSize", self.maximum_packet_size)

    def _wait(self, sock: Any, timeout_s: float, wake: socket.socket | None) -> int:
        """Wait for the connection's socket, or for `wake` → the events of the former."""
        number = sock.fileno()
        if number < 0:  # aborted
            return select.POLLIN
        self._poll.register(number, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
        if wake is not None:
            self._poll.register(wake.fileno(), select.POLLIN)
        return dict(self._poll.poll(timeout_s * 1000)).get(number, 0)

    def _lost(self) -> ConnectionLostError:
        error = self._errors[-1] if self._errors else ""
        return ConnectionLostError(error or (self._ends[-1] if self._ends else "closed"))

    def _on_connect(self, client: Client, data: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None) -> None:
        self._connacks.append((reason, properties))

    def _on_disconnect(self, client: Client, data: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None) -> None:
        self._ends.append(f"the broker ended the connection: {reason}" if flags.is_disconnect_packet_from_server else "connection closed")

    def _on_publish(self, client: Client, data: Any, mid: int, reason: ReasonCode, properties: Properties | None) -> None:
        self._acks.append(Ack(mid, reason.value, str(reason)))

    def _on_subscribe(self, client: Client, data: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None) -> None:
        self.granted.extend(reasons)

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        self.messages.append(message)

    def _on_log(self, client: Client, data: Any, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:  # the only place where paho says why a socket failed, a refused certificate among it
            self._errors.append(text)


def _answer_at_once(sock: Any) -> None:
    """Have the kernel confirm what we read without waiting for something to send along; it forgets that wish, so each read says it again.

    A broker with Nagle's algorithm on, mosquitto's default, keeps all acknowledgements but the first back until then, while we wait for
    them: a backlog left at 1,700 events a second, and leaves at 6,000 with this.
    """
    if hasattr(socket, "TCP_QUICKACK") and sock.fileno() >= 0:  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
