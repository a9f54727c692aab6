"""A capture process that can be killed: FFmpeg in a stalled stream ignores SIGTERM, and would hang any thread that waits for it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge.cameras.pace import SLICE_S

LEASH = Path(__file__).with_name("leash.py")
PIPE_BYTES = 1 << 20  # the most that the kernel gives an ordinary user: fewer wake-ups a picture
COMPLAINT_BYTES = 8192
LAST_LINES, LONGEST = 2, 300  # of a complaint, lines and characters
MOST_READS = 16
REAP_S = 1.0
_ELEMENT = re.compile(r"^(?:ERROR|WARNING): (?:from element \S+: |erroneous pipeline: |pipeline could not be constructed: )?")
_ADDRESS = re.compile(r" @ 0x[0-9a-f]+")  # FFmpeg's, new each time: the same complaint must look the same


class StoppedError(Exception):
    """Told to stop while waiting."""


class SilentError(Exception):
    """Nothing came until the deadline."""


class EndedError(Exception):
    """The process closed its end of the pipe."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. What must not be seen in a list of processes goes through the environment."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


class Child:
    """A running capture process, its pictures on stdout, its complaints on stderr."""

    def __init__(self, command: Command) -> None:
        """Raises OSError where no process can be started."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *command.argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **command.environment},
            start_new_session=True,  # so that its own children are killed with it, and Ctrl-C is ours alone
            bufsize=0,
        )
        self._lock = threading.Lock()
        self._killed = False
        assert self._process.stdout is not None and self._process.stderr is not None
        self._out, self._err = self._process.stdout.fileno(), self._process.stderr.fileno()
        self._stderr, self._listening = b"", True
        for pipe in (self._out, self._err):
            os.set_blocking(pipe, False)
        with contextlib.suppress(OSError):  # only a wish: other processes may have used up what this user may have
            fcntl.fcntl(self._out, getattr(fcntl, "F_SETPIPE_SZ", 1031), PIPE_BYTES)
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._poll.register(self._err, select.POLLIN)

    @property
    def pid(self) -> int:
        return self._process.pid

    def read(self, view: memoryview, deadline_s: float, over: Callable[[], bool]) -> None:
        """Fill `view`. Raises SilentError past the deadline (monotonic), StoppedError once `over()`, EndedError at its end."""
        while len(view):
            if over():
                raise StoppedError
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise SilentError
            if self.readable(min(SLICE_S, left_s)):
                count = os.readv(self._out, [view])
                if not count:
                    raise StoppedError if over() else EndedError  # killed by close(): no trouble to tell of
                view = view[count:]

    def readable(self, timeout_s: float) -> bool:
        """Whether stdout has something, or its end; takes in complaints on the way."""
        ready = dict(self._poll.poll(timeout_s * 1000))
        if self._err in ready:
            self._listen()
        return self._out in ready

    def fate(self) -> str:
        """How it ended and what it complained of, in words; for use after EndedError."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(REAP_S)
        for _ in range(MOST_READS):
            self._listen()
        code = self._process.returncode
        how = "closed its output" if code is None else f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        complaint = self.complaint
        return f"{complaint} ({how})" if complaint else how

    @property
    def complaint(self) -> str:
        """What it said on stderr, in a line; "" where nothing."""
        return complaint_from_stderr(self._stderr.decode("utf-8", "replace"))

    def kill(self) -> None:
        """Kill it with all its children and let go of its pipes; idempotent, from any thread."""
        with self._lock:
            if self._killed:
                return
            self._killed = True
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):  # stuck in a driver: not even SIGKILL ends that; init reaps it
            self._process.wait(REAP_S)

    def release(self) -> None:
        """Kill it and close the pipes; only from the thread that reads."""
        self.kill()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _listen(self) -> None:
        """Take some of stderr; the first complaint matters most, what comes after the bound is read and forgotten."""
        try:
            said = os.read(self._err, COMPLAINT_BYTES)
        except BlockingIOError:
            return
        self._stderr = (self._stderr + said)[:COMPLAINT_BYTES]
        if not said and self._listening:  # closed: it would be readable for ever
            self._poll.unregister(self._err)
            self._listening = False


def complaint_from_stderr(text: str) -> str:
    """What a capture process said → one line: GStreamer's first error with its last detail, or the last lines of anybody else."""
    lines = [_ADDRESS.sub("", line).strip() for line in text.splitlines() if line.strip()]
    errors = [i for i, line in enumerate(lines) if line.startswith(("ERROR", "WARNING: erroneous"))]
    if not errors:
        return "; ".join(dict.fromkeys(lines[-LAST_LINES:]))[:LONGEST]
    first, after = errors[0], errors[1] if len(errors) > 1 else len(lines)
    said = _ELEMENT.sub("", lines[first])
    detail = lines[after - 1] if after - 1 > first + 1 else ""
    return (detail if detail.startswith(said) else f"{said} {detail}").strip()[:LONGEST]
