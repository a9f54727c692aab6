"""HTTP on a thread of its own: an aiohttp application, opened again where its port was taken, with so many callers at a time."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable
from typing import Final

from aiohttp import web

from edge.slots import nothing

log = logging.getLogger(__name__)

AGAIN_S: Final = 10.0
MOST_CALLERS: Final = 32
"""Connections; one more is hung up on."""
IDLE_S: Final = 20.0
"""So long a connection may be silent between two requests, and so long its first one may take."""


class Server:
    """Open from `start` until `close`. A unit without its page still reads plates: no failure of it ends anything else."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, application: Callable[[], web.Application]) -> None:
        """`port` 0 takes a free one; once `opened` is set, `port` says which. `application` is called on the server's thread."""
        self.host, self.port = host, port
        self.opened = threading.Event()
        self._tls, self._application = tls, application
        self._closing = threading.Event()
        self._stop: Callable[[], object] = nothing
        self._lock = threading.Lock()
        self._door = _Door()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def callers(self) -> int:
        """Connections that are open now."""
        return self._door.callers

    def start(self) -> Server:
        self._thread.start()
        return self

    def close(self, timeout_s: float = 2.0) -> None:
        """May be called again."""
        with self._lock:
            self._closing.set()
            self._stop()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                asyncio.run(self._serve())
            except OSError as error:
                log.warning("no live view on %s:%d: %s; it is tried again", self.host, self.port, error)
            except Exception:  # of a kind that nobody foresaw: the page is gone for a while, and the unit goes on
                log.exception("the live view failed; it is opened again")
            self._closing.wait(AGAIN_S)

    async def _serve(self) -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        application, self._door = self._application(), _Door()
        application.on_response_prepare.append(self._door.serves)
        runner = web.AppRunner(application, keepalive_timeout=IDLE_S, shutdown_timeout=0.5, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            assert runner.server is not None
            self._door.server = runner.server
            listener = await loop.create_server(self._door, self.host, self.port, ssl=self._tls, backlog=MOST_CALLERS)
            with self._lock:
                if self._closing.is_set():
                    return
                self.port = listener.sockets[0].getsockname()[1]
                self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
            self.opened.set()
            log.info("live view: %s://%s:%d/", "https" if self._tls else "http", self.host, self.port)
            await stopped.wait()
            listener.close()
        finally:
            with self._lock:
                self._stop = nothing
            await runner.shutdown()
            await runner.cleanup()


class _Door:
    """Makes a connection's handler, while there is room, and hangs up on who has asked for nothing in time."""

    def __init__(self) -> None:
        self.server: web.Server | None = None
        self._served: set[object] = set()

    @property
    def callers(self) -> int:
        return len(self.server.connections) if self.server else 0

    async def serves(self, request: web.Request, response: web.StreamResponse) -> None:
        self._served.add(request.protocol)

    def __call__(self) -> asyncio.Protocol:
        if self.server is None or self.callers >= MOST_CALLERS:
            return _Full()
        handler = self.server()
        asyncio.get_running_loop().call_later(IDLE_S, self._look, handler)
        return handler

    def _look(self, handler: web.RequestHandler) -> None:
        """A caller who sends a byte a second is served by nobody, and would hold its place for ever."""
        if handler not in self._served:
            handler.force_close()
        self._served &= set(self.server.connections) if self.server else set()


class _Full(asyncio.Protocol):
    """Ends a connection as soon as it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
