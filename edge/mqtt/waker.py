"""A way to end another thread's wait for a socket."""

from __future__ import annotations

import contextlib
import socket


class Waker:
    """`wake` makes `socket` readable, from any thread; its owner calls `drain` before it looks for what there is to do."""

    def __init__(self) -> None:
        self._far, self.socket = socket.socketpair()
        self._far.setblocking(False)
        self.socket.setblocking(False)

    def wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # so many wakings wait already that one more says nothing
            self._far.send(b"\0")

    def drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.socket.recv(4096)
