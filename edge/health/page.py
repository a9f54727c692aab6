"""The health page: GET /metrics and GET /healthz over HTTP, on this machine alone unless the config says otherwise."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

log = logging.getLogger(__name__)

PATIENCE_S: Final = 3.0
MOST_CALLERS: Final = 8
AGAIN_S: Final = 10.0
Health = tuple[bool, Mapping[str, Any]]
"""Whether the unit does its work, and in which states it is."""


class Page:
    """Open from `start` until `close`. A port that is taken is tried again: a unit without its page still reads plates."""

    def __init__(self, host: str, port: int, metrics: Callable[[], bytes], health: Callable[[], Health]) -> None:
        """`port` 0 takes a free one; once `opened` is set, `port` says which."""
        self.host, self.port = host, port
        self.opened = threading.Event()
        self._handler = partial(_Handler, metrics, health)
        self._closing = threading.Event()
        self._server: _Server | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> Page:
        self._thread.start()
        return self

    def close(self, timeout_s: float = 1.0) -> None:
        """May be called again."""
        with self._lock:
            self._closing.set()
            server = self._server
        if server is not None:
            server.shutdown()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                server = _Server((self.host, self.port), self._handler)
            except OSError as error:
                log.warning("no health page on %s:%d: %s; it is tried again", self.host, self.port, error)
                self._closing.wait(AGAIN_S)
                continue
            self._serve(server)

    def _serve(self, server: _Server) -> None:
        with server:
            with self._lock:
                if self._closing.is_set():
                    return
                self._server, self.port = server, server.server_address[1]
            self.opened.set()
            server.serve_forever(poll_interval=0.1)


def healthz(status: Mapping[str, Any], stuck: list[str]) -> Health:
    """200 while the unit does its work; a camera or a broker that is away is a state, and said. 503 where events are being lost or a
    thread is stuck."""
    states = {name: camera["phase"] for name, camera in status["cameras"].items()}
    trouble = status["events"]["trouble"]
    told = {
        "cameras": states,
        "broker": status["broker"],
        "outbox": trouble or "stores events",
        "stuck": stuck,
        "work": status["governor"]["name"],
    }
    return not stuck and not trouble, told


class _Server(ThreadingHTTPServer):
    """Takes a few callers at a time; one more is hung up on, for somebody may probe the port."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_CALLERS

    def __init__(self, *given: Any) -> None:
        self._room = threading.BoundedSemaphore(MOST_CALLERS)
        super().__init__(*given)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        hang_up = threading.Timer(PATIENCE_S, self.shutdown_request, (request,))  # one who sends a byte a second has no end either
        hang_up.daemon = True
        hang_up.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            hang_up.cancel()
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.info("health page: a caller from %s was not served", client_address[0], exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """GET alone, without a body, one request a connection."""

    timeout = PATIENCE_S
    server_version, sys_version = "kerbside", ""

    def __init__(self, metrics: Callable[[], bytes], health: Callable[[], Health], *given: Any) -> None:
        self._metrics, self._health = metrics, health
        super().__init__(*given)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, "text/plain; version=0.0.4; charset=utf-8", self._metrics())
        elif path == "/healthz":
            good, states = self._health()
            body = json.dumps({"status": "ok" if good else "failing", **states}).encode() + b"\n"
            self._answer(200 if good else 503, "application/json", body)
        else:
            self._answer(404, "text/plain; charset=utf-8", b"there are /metrics and /healthz\n")

    def log_message(self, *given: Any) -> None:
        """A scrape is no news."""

    def _answer(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
