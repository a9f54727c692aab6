"""A program that a step needs, to its end: what it complains of becomes the step's own error."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edge.release import ReleaseError

MOST: Final = 600
COMPILER: Final = re.compile(r":\d+: (fatal )?error: ")


def call(
    command: list[str], otherwise: str, timeout_s: float, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> None:
    """In `folder`, with another `environment` where one is given. Raises ReleaseError, which begins with `otherwise`."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReleaseError(f"{otherwise}: {error}") from error
    if done.returncode:
        raise ReleaseError(f"{otherwise}: {complaint(done.stderr or done.stdout)}")


def complaint(said: str) -> str:
    """The end of what a program said, after the first fault that a compiler named: that is pages above it."""
    last = said.strip()[-MOST:]
    fault = next((line.strip()[-MOST:] for line in said.splitlines() if COMPILER.search(line)), "")
    return last if fault in last else f"{fault} […] {last}"
