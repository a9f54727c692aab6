"""What listens at a camera's address and is no camera: random bytes, or a proper RTSP conversation whose packets hold no picture."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

import numpy as np

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:stream=0\r\n"
HEADERS = {
    "OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n",
    "DESCRIBE": f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n",
    "SETUP": "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n",
    "PLAY": "Session: 1\r\n",
}
PAUSE_S = 0.02


class Imposter:
    """Listens on `port` until it is closed; `converses`: speaks RTSP first, otherwise it sends bytes at once."""

    def __init__(self, port: int, converses: bool, rng: np.random.Generator) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._converses, self._rng = converses, rng
        self._closing = threading.Event()
        self._listener.settimeout(0.2)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Its connections end by a reset."""
        self._closing.set()
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(OSError):  # nobody came, or who came has gone
                client, _ = self._listener.accept()
                with client:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.settimeout(0.5)
                    self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        if self._converses and not self._agree(client):
            return
        number = 0
        while not self._closing.wait(PAUSE_S):
            number += 1
            client.sendall(self._packet(number) if self._converses else self._rng.bytes(512))

    def _agree(self, client: socket.socket) -> bool:
        """Say yes to everything → whether pictures are expected now."""
        asked = b""
        while not self._closing.is_set():
            try:
                more = client.recv(4096)
            except TimeoutError:
                continue
            asked += more
            if not more:
                return False
            while b"\r\n\r\n" in asked:
                request, _, asked = asked.partition(b"\r\n\r\n")
                method = request.split(b" ")[0].decode("ascii", "replace")
                client.sendall(_reply(method, request))
                if method == "PLAY":
                    return True
        return False

    def _packet(self, number: int) -> bytes:
        """RTP for H.264 on channel 0, whose payload is a slice's first byte and then anything."""
        rtp = struct.pack(">BBHII", 0x80, 0x60, number & 0xFFFF, 3000 * number & 0xFFFFFFFF, 1) + b"\x65" + self._rng.bytes(400)
        return struct.pack(">cBH", b"$", 0, len(rtp)) + rtp


def _reply(method: str, request: bytes) -> bytes:
    number = next((line.split(b":")[1].strip() for line in request.split(b"\r\n") if line.lower().startswith(b"cseq")), b"0")
    body = SDP if method == "DESCRIBE" else ""
    return f"RTSP/1.0 200 OK\r\nCSeq: {number.decode()}\r\n{HEADERS.get(method, '')}\r\n{body}".encode()
