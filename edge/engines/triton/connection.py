"""A server that may go and come back: every question is bounded, and asked again over a new connection while the server is away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from edge.engines import EngineError
from edge.engines.triton.link import Link, ServerAwayError, ServerLateError, ServerRefusalError
from edge.engines.triton.server import Server

log = logging.getLogger(__name__)
T = TypeVar("T")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0


def open_link(server: Server) -> Link:
    """A client of the protocol that the URL names. Raises EngineError where tritonclient is not installed or ca_file cannot be read."""
    try:
        if server.scheme == "http":
            from edge.engines.triton.http_link import HttpLink

            return HttpLink(server)
        from edge.engines.triton.grpc_link import GrpcLink

        return GrpcLink(server)
    except ImportError as error:
        raise EngineError(f"engine: triton needs tritonclient ({error}): pip install 'tritonclient[grpc,http]'") from error
    except OSError as error:
        raise EngineError(f"triton.ca_file: {server.ca_file} cannot be read ({error.strerror})") from error


class Connection:
    """A link for the thread that asks. Two questions at once are not meant: every stage owns its engine."""

    def __init__(self, server: Server, greet: Callable[[Link], None], opened: Callable[[Server], Link] = open_link) -> None:
        """`greet` looks whether what is served is what is wanted, on every new link: a server that comes back may serve something else."""
        self.server = server
        self._greet, self._opened = greet, opened
        self._link: Link | None = None
        self._owner = 0
        self._closed = threading.Event()

    def ask(self, question: Callable[[Link], T], what: str) -> T:
        """The answer, or EngineError with what to mend.

        A server that is away is called for away_s; whatever is then asked of it has timeout_s. A question that a broken connection
        swallowed is asked again: inference changes nothing on the server.
        """
        deadline, pause_s = time.monotonic() + self.server.away_s, FIRST_PAUSE_S
        while not self._closed.is_set():
            try:
                return question(self._mine())
            except ServerAwayError as error:
                self._drop()
                if time.monotonic() >= deadline:
                    raise EngineError(self._away(what, error)) from error
                log.warning("%s: away (%s), calling again", self.server.url, error)
            except ServerLateError as error:
                self._drop()  # its answer may still come, to nobody
                raise EngineError(self._late(what)) from error
            except ServerRefusalError as error:
                raise EngineError(f"{self.server.url}: refuses {what}: {error}") from error
            except EngineError as error:
                raise EngineError(f"{self.server.url}: {error}") from error
            self._closed.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        raise EngineError(f"{self.server.url}: {what} was given up, for the engine is closed")

    def close(self) -> None:
        """Idempotent; wakes a thread that waits for the server."""
        self._closed.set()
        if self._owner == threading.get_ident():
            self._drop()

    def _mine(self) -> Link:
        """A link that this thread opened: an engine is made in one thread and used in another. The maker's link closes as it is freed."""
        if self._link is None or self._owner != threading.get_ident():
            link = self._opened(self.server)
            try:
                self._greet(link)
            except EngineError:
                link.close()
                raise
            self._link, self._owner = link, threading.get_ident()
        return self._link

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _away(self, what: str, error: Exception) -> str:
        return (
            f"{self.server.url}: no connection for {self.server.away_s:g} s while asking for {what} ({error}): "
            "is tritonserver running there, and are triton.url's protocol and port right (HTTP 8000, gRPC 8001)?"
        )

    def _late(self, what: str) -> str:
        return (
            f"{self.server.url}: no answer for {what} within triton.timeout_s, {self.server.timeout_s:g} s: "
            "it hangs, is overloaded, or its machine cannot be reached; look at its load, give the models more instances, or allow more"
        )
