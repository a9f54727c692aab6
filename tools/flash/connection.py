"""One unit over ssh and rsync, as processes: every call ends, and none asks a question."""

from __future__ import annotations

import re
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tools.flash import AwayError, UnitError
from tools.flash.inventory import Target

OPTIONS: Final = ("BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10", "ServerAliveInterval=5", "ServerAliveCountMax=3")
LOST: Final = 255  # what ssh ends with when it has no connection
LOST_RSYNC: Final = (10, 12, 30, 35, LOST)  # rsync(1): socket, protocol stream, timeouts
LOOK_S: Final = 0.1
STRANGER: Final = "compare the fingerprint that ssh-keyscan gives with the unit's own, and add its key to known_hosts then"
SHARE: Final = re.compile(rb"(\d+)%")
Progress = Callable[[float], None]
"""Hears the share, 0 to 1, that is there."""


class Connection:
    """To one unit. `stop` ends what is under way."""

    def __init__(self, target: Target, stop: threading.Event) -> None:
        self.target, self._stop = target, stop

    def run(self, command: str, stdin: bytes = b"", timeout_s: float = 60.0) -> tuple[int, str]:
        """A command line for the unit's shell → its exit code and what it said on standard output. Raises AwayError or UnitError."""
        code, out, err = self._call([*self._ssh(), self._place(), command], stdin, timeout_s)
        if code == LOST:
            raise AwayError(f"{_last(err) or 'no connection'}{'; ' + STRANGER if 'Host key verification failed' in err else ''}")
        if code and not out.strip():
            raise UnitError(_last(err) or f"{command[:60]}: ended with {code}")
        return code, out

    def copy(self, sources: Sequence[Path], target: str, limit_kib: int, progress: Progress, timeout_s: float) -> None:
        """Files or folders; what was copied before a cut is not copied again. `limit_kib`: KiB a second, 0 for all there is.

        Raises AwayError or UnitError.
        """
        limit = [f"--bwlimit={limit_kib}"] if limit_kib else []
        options = ["-r", "--partial", "--inplace", "--timeout=30", "--info=progress2", "--exclude=__pycache__", "--chmod=D755,F644", *limit]
        host = f"[{self.target.host}]" if ":" in self.target.host else self.target.host
        place = f"{self.target.user}@{host}" if self.target.user else host
        command = ["rsync", *options, "-e", shlex.join(self._ssh()), *map(str, sources), f"{place}:{target}"]
        code, _, err = self._call(command, b"", timeout_s, progress)
        if code in LOST_RSYNC:
            raise AwayError(f"copying was cut off ({_last(err)}); run again to go on where it was")
        if code:
            raise UnitError(f"rsync: {_last(err)}")

    def _ssh(self) -> list[str]:
        target = self.target
        options = [*OPTIONS, *([f"UserKnownHostsFile={target.known_hosts}"] if target.known_hosts else [])]
        port = ["-p", str(target.port)] if target.port else []
        identity = ["-i", str(target.identity), "-o", "IdentitiesOnly=yes"] if target.identity else []
        return ["ssh", *port, *identity, *(part for option in options for part in ("-o", option))]

    def _place(self) -> str:
        return f"{self.target.user}@{self.target.host}" if self.target.user else self.target.host

    def _call(self, command: list[str], stdin: bytes, timeout_s: float, progress: Progress | None = None) -> tuple[int, str, str]:
        asked = subprocess.DEVNULL if progress else subprocess.PIPE
        try:
            process = subprocess.Popen(command, stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as error:
            raise UnitError(f"{command[0]}: {error.strerror}; install it here (apt-get install openssh-client rsync)") from error
        said: dict[str, bytes] = {}
        reader = threading.Thread(target=_hear, args=(process, stdin, said, progress), daemon=True)
        reader.start()
        deadline_s = time.monotonic() + timeout_s
        while reader.is_alive():
            if self._stop.is_set() or time.monotonic() > deadline_s:
                process.kill()
                reader.join(5)
                raise AwayError("stopped" if self._stop.is_set() else f"no end after {timeout_s:g} s: {shlex.join(command)[-80:]}")
            reader.join(LOOK_S)
        return process.wait(5), said["out"].decode("utf-8", "replace"), said["err"].decode("utf-8", "replace")


def _hear(process: subprocess.Popen[bytes], stdin: bytes, said: dict[str, bytes], progress: Progress | None) -> None:
    """All that a process says, to its end; where `progress` listens, its output is told and not kept."""
    if progress is None:
        said["out"], said["err"] = process.communicate(stdin)
        return
    assert process.stdout is not None and process.stderr is not None
    while part := process.stdout.read1(4096):  # type: ignore[attr-defined]
        if shares := SHARE.findall(part):
            progress(int(shares[-1]) / 100)
    said["out"], said["err"] = b"", process.stderr.read()
    process.wait()


def _last(text: str) -> str:
    """What a person wants of a program's complaints: its last line that is no banner."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("rsync error")]
    return lines[-1][-400:] if lines else ""
