"""Runs a command that dies with whoever started it: `python leash.py PARENT_PID COMMAND…`.

A program of its own rather than Popen's preexec_fn, which may deadlock in a process with threads. The kernel sends the
signal when the *thread* that started the child ends; that is the camera's own thread, so it is what we want.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the leash was on
        raise SystemExit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
