"""An MQTT broker inside the process, for `make run` and nothing more: MQTT 3.1.1, this machine only, no password, no memory."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError  # the built-in one only since Python 3.11
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amqtt.broker import Broker

HOST = "127.0.0.1"
START_S = 10.0


class EmbeddedBrokerError(RuntimeError):
    """The broker did not start; the message says why."""


class EmbeddedBroker:
    """amqtt in a thread of its own. `port` 0 takes a free one; after `start`, `port` says which."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)
        self._listening: Future[int] = Future()
        for name in ("amqtt", "transitions"):  # they tell of every packet and change of state
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def start(self) -> None:
        """Listen. Raises EmbeddedBrokerError, where the port is taken for one.

        amqtt is loaded here and not before: a Jetson has none, and its daemon did not start for that.
        """
        try:
            from amqtt.errors import BrokerError
        except ImportError as error:
            raise EmbeddedBrokerError(f"no broker of its own without amqtt ({error}): install it, or leave --demo out") from error
        self._thread.start()
        try:
            self.port = self._listening.result(START_S)
        except BrokerError as error:
            raise EmbeddedBrokerError(f"no broker on {HOST}:{self.port}: {error.__cause__ or error}") from error
        except FutureTimeoutError as error:
            raise EmbeddedBrokerError(f"no broker on {HOST}:{self.port} after {START_S:.0f} s") from error

    def close(self, timeout_s: float = 2.0) -> None:
        """End all connections and the thread. May be called again."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            if self._listening.done():
                raise
            self._listening.set_exception(error)
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        from amqtt.broker import Broker

        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{self.port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            },
            loop=self._loop,
        )
        await broker.start()
        self._listening.set_result(_port_of(broker))
        await self._stop.wait()
        await broker.shutdown()


def _port_of(broker: Broker) -> int:
    server = broker._servers["default"].instance  # amqtt does not say which port it was given
    return int(server.sockets[0].getsockname()[1])
