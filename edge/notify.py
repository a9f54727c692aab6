"""What the daemon tells the service manager: sd_notify(3), a datagram to the socket that NOTIFY_SOCKET names."""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections.abc import MutableMapping

log = logging.getLogger(__name__)

PATIENCE_S = 1.0
LONGEST = 1000
"""Characters of a status: a datagram that is too long is not sent at all."""


class Manager:
    """Nobody, where the environment names no socket. The variables are taken out of it, so that no child speaks in our name."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._address = environment.pop("NOTIFY_SOCKET", "")
        ours = environment.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        asked = environment.pop("WATCHDOG_USEC", "0")
        self.watchdog_s = _seconds(asked) if ours and self._address else 0.0
        self._status = ""

    def ready(self) -> None:
        self._tell("READY=1")

    def feed(self) -> None:
        """Only ever called when every stage has come round: the watchdog is theirs."""
        if self.watchdog_s:
            self._tell("WATCHDOG=1")

    def bite(self) -> None:
        """Ask to be ended now instead of when the watchdog's time is over (systemd 243 and later; an older one waits)."""
        self._tell("WATCHDOG=trigger")

    def reloading(self) -> None:
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def status(self, text: str) -> None:
        """A line for `systemctl status`, where it has changed. In one line: the manager takes the next one for an assignment."""
        text = " ".join(text.split())[:LONGEST]
        if text != self._status:
            self._status = text
            self._tell(f"STATUS={text}")

    def _tell(self, *states: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.settimeout(PATIENCE_S)
                sock.connect("\0" + self._address[1:] if self._address.startswith("@") else self._address)
                sock.send("\n".join(states).encode("utf-8", "replace"))
        except OSError as error:
            log.warning("the service manager does not hear %s: %s", states[0], error)


def _seconds(microseconds: str) -> float:
    """No watchdog where WATCHDOG_USEC is no number: whoever set it was not systemd."""
    if re.fullmatch("[0-9]{1,18}", microseconds):
        return int(microseconds) / 1e6
    log.warning("WATCHDOG_USEC is %r, expected microseconds: no watchdog is fed", microseconds[:40])
    return 0.0
