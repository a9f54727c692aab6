"""A broker's front that swallows acknowledgements: MQTT passes through, but PUBACKs of chosen publications do not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

PUBLISH, PUBACK = 3, 4


class Proxy:
    """Listens on `port` and passes to a broker. `swallow` says of a publication's topic and payload whether its PUBACK is lost."""

    def __init__(self, broker_port: int, swallow: Callable[[bytes], bool]) -> None:
        self._broker_port, self._swallow = broker_port, swallow
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            sock.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            broker = socket.create_connection(("127.0.0.1", self._broker_port))
            self._open += [client, broker]
            unanswered: set[bytes] = set()
            for source, sink, passes in ((client, broker, self._note(unanswered)), (broker, client, _drop(unanswered))):
                threading.Thread(target=_pump, args=(source, sink, passes), daemon=True).start()

    def _note(self, unanswered: set[bytes]) -> Callable[[int, bytes], bool]:
        def passes(kind: int, body: bytes) -> bool:
            if kind >> 4 == PUBLISH and kind & 0b110 and self._swallow(body):
                topic = int.from_bytes(body[:2], "big")
                unanswered.add(body[2 + topic : 4 + topic])
            return True

        return passes


def _drop(unanswered: set[bytes]) -> Callable[[int, bytes], bool]:
    def passes(kind: int, body: bytes) -> bool:
        if kind >> 4 != PUBACK or body[:2] not in unanswered:
            return True
        unanswered.discard(body[:2])
        return False

    return passes


def _pump(source: socket.socket, sink: socket.socket, passes: Callable[[int, bytes], bool]) -> None:
    """Packet by packet, until one side ends; then both do."""
    try:
        stream = source.makefile("rb")
        while head := stream.read(1):
            length, raw = _length(stream.read)
            body = stream.read(length)
            if passes(head[0], body):
                sink.sendall(head + raw + body)
    except (OSError, ValueError):  # the other direction has closed both
        pass
    for sock in (source, sink):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # closed already
            continue


def _length(read: Callable[[int], bytes]) -> tuple[int, bytes]:
    """MQTT's variable byte integer → its value, and its bytes."""
    value, raw = 0, b""
    while True:
        byte = read(1)
        value |= (byte[0] & 0x7F) << (7 * len(raw))
        raw += byte
        if not byte[0] & 0x80:
            return value, raw
