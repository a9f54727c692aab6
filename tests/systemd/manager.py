"""A stand-in for systemd: starts a service, listens on NOTIFY_SOCKET as sd_notify(3) says, and keeps its watchdog and its restarts.

It takes from the unit file what the shipped unit says: Type=notify, NotifyAccess=main, WatchdogSec=, WatchdogSignal=, TimeoutAbortSec=
and RestartSec=. A message whose sender is not the service's main process is refused, as systemd does; the kernel tells who sent it.
"""

from __future__ import annotations

import configparser
import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOOK_S = 0.02
CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: unix(7)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the unit file asks of the manager, in seconds."""

    watchdog_s: float
    abort_s: float
    restart_s: float
    start_s: float

    @staticmethod
    def of(unit: Path) -> Policy:
        lines = configparser.RawConfigParser(strict=False)
        lines.read(unit)
        service = lines["Service"]
        assert service["Type"] == "notify" and service["NotifyAccess"] == "main" and service["WatchdogSignal"] == "SIGABRT"
        assert service["Restart"] == "always"
        return Policy(*(float(service[name]) for name in ("WatchdogSec", "TimeoutAbortSec", "RestartSec", "TimeoutStartSec")))


@dataclass(slots=True)
class Life:
    """One run of the service, from its start on."""

    pid: int
    started_s: float
    ready_s: float | None = None
    ended_s: float | None = None
    ended_by: str = ""  # "itself" or "watchdog"
    code: int | None = None
    fed: int = 0
    told: list[str] = field(default_factory=list)  # all that was said, in order
    status: str = ""


class Manager:
    """`turn` it often; `lives` tells what happened."""

    def __init__(self, command: Sequence[str], folder: Path, policy: Policy, environment: Mapping[str, str] | None = None) -> None:
        self.lives: list[Life] = []
        self.log = folder / "service.log"
        self._command, self._policy, self._environment = command, policy, {**os.environ, **(environment or {})}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._path = folder / "notify"
        self._socket.bind(str(self._path))
        self._process: subprocess.Popen[bytes] | None = None
        self._fed_s = self._restart_s = 0.0
        self._abort_s: float | None = None

    @property
    def life(self) -> Life:
        return self.lives[-1]

    def turn(self) -> None:
        """Hear what was said, end what is late, start what has ended."""
        now_s = time.monotonic()
        self._hear()
        if self._process is None:
            if now_s >= self._restart_s:
                self._start()
        elif (code := self._process.poll()) is not None:
            self._note_end(code)
        elif self._is_late(now_s):
            self._bite()
        elif self._abort_s is not None and now_s > self._abort_s:
            self._process.kill()
        time.sleep(LOOK_S)

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)
        self._socket.close()

    def _start(self) -> None:
        said = {"NOTIFY_SOCKET": str(self._path), "WATCHDOG_USEC": str(round(self._policy.watchdog_s * 1e6))}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env={**self._environment, **said}, stdout=log, stderr=log)
        self._abort_s = None
        self.lives.append(Life(self._process.pid, time.monotonic()))

    def _hear(self) -> None:
        while True:
            try:
                data, extra, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(CREDENTIALS.size), socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            sender = CREDENTIALS.unpack(next(value for _, kind, value in extra if kind == socket.SCM_CREDENTIALS))[0]
            assert sender == self.life.pid, f"{data!r} from process {sender}, NotifyAccess=main allows {self.life.pid}"
            for line in data.decode().splitlines():
                self._take(line)

    def _take(self, line: str) -> None:
        name, _, value = line.partition("=")
        self.life.told.append(line)
        if line == "READY=1" and self.life.ready_s is None:
            self.life.ready_s = self._fed_s = time.monotonic()
        elif line == "WATCHDOG=1":
            self.life.fed, self._fed_s = self.life.fed + 1, time.monotonic()
        elif line == "WATCHDOG=trigger":
            self._fed_s = float("-inf")
        elif name == "STATUS":
            self.life.status = value

    def _is_late(self, now_s: float) -> bool:
        """The watchdog counts from READY on, and a start has its own time."""
        if self._abort_s is not None:
            return False
        if self.life.ready_s is None:
            return now_s - self.life.started_s > self._policy.start_s
        return now_s - self._fed_s > self._policy.watchdog_s

    def _bite(self) -> None:
        assert self._process is not None
        self.life.ended_by = "watchdog"
        self._abort_s = time.monotonic() + self._policy.abort_s
        self._process.send_signal(signal.SIGABRT)

    def _note_end(self, code: int) -> None:
        self._hear()  # its last words may have come after the last look, and before its end
        self.life.ended_s, self.life.code = time.monotonic(), code
        self.life.ended_by = self.life.ended_by or "itself"
        self._process = None
        self._restart_s = time.monotonic() + self._policy.restart_s
