"""A network camera, an RTSP server in a process of its own, and what may befall it."""

from __future__ import annotations

import signal
import time

import numpy as np

from tests.chaos.imposter import Imposter
from tests.edge.cameras.conftest import RtspServer
from tests.edge.mqtt.mosquitto import free_port

KINDS = ("stall", "reset", "size", "garbage")
SIZES_PX = ((320, 240), (480, 272))


class Source:
    """Sound from the start; `suffer` one kind of trouble, `mend`, and so on; `close` in any case."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._size_px, self._server, self._rng = SIZES_PX[0], RtspServer(free_port()), rng
        self._imposter: Imposter | None = None
        self._stopped = False
        self._start()

    @property
    def url(self) -> str:
        return self._server.url()

    def suffer(self, kind: str) -> None:
        """It stops in the middle of a word; or it is gone, to come back as it was, in another size, or after something else was there."""
        if kind == "stall":
            self._server.signal(signal.SIGSTOP)
            self._stopped = True
            return
        self._server.kill()
        if kind == "size":
            self._size_px = SIZES_PX[self._size_px == SIZES_PX[0]]
        elif kind == "garbage":
            self._imposter = Imposter(self._server.port, bool(self._rng.integers(2)), np.random.default_rng(self._rng.integers(2**32)))

    def mend(self) -> float:
        """→ when it was there again (monotonic)."""
        self._dismiss()
        if self._stopped:
            self._server.signal(signal.SIGCONT)
            self._stopped = False
        else:
            self._start()
        return time.monotonic()

    def close(self) -> None:
        self._dismiss()
        self._server.kill()

    def _start(self) -> None:
        self._server.start(width=self._size_px[0], height=self._size_px[1])

    def _dismiss(self) -> None:
        if self._imposter is not None:
            self._imposter.close()
            self._imposter = None
