"""`python -m tests.systemd`: a stage of the real daemon freezes under the stand-in for systemd, with the shipped unit's times.

python -m tests.systemd --how wait      # the detector waits for ever: the daemon notices, and asks for the watchdog's bite
python -m tests.systemd --how gil       # it lets no other thread run: the watchdog is not fed
python -m tests.systemd --how stop      # the whole process is stopped (SIGSTOP), and not even SIGABRT is heeded
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from edge.config.sections import Watchdog
from tests.systemd.manager import Manager
from tests.systemd.rig import manager, turn_until

ALLOWED_S = 30.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--how", choices=("wait", "gil", "stop"), action="append", help="may be given more than once (all)")
    good = True
    for how in parser.parse_args().how or ("wait", "gil", "stop"):
        with tempfile.TemporaryDirectory(prefix="kerbside-") as folder:
            took_s = measure(Path(folder), how)
        good = good and took_s <= ALLOWED_S
        print(f"{how:5} frozen, ended by the watchdog, and reading again after {took_s:.1f} s (allowed {ALLOWED_S:.0f})", flush=True)
    return 0 if good else 1


def measure(folder: Path, how: str) -> float:
    """→ seconds from the freeze until the next life is ready and feeds."""
    managing = manager(folder, Watchdog().stage_s)
    try:
        turn_until(managing, lambda: bool(managing.lives) and managing.life.fed > 10, "a unit that feeds")
        began_s = freeze(managing, folder, how)
        turn_until(managing, lambda: len(managing.lives) > 1 and managing.life.fed > 0, "its next life", 120)
        if managing.lives[0].ended_by != "watchdog":
            raise AssertionError(f"ended by {managing.lives[0].ended_by}, expected the watchdog\n{managing.log.read_text()[-2000:]}")
        return time.monotonic() - began_s
    finally:
        managing.close()


def freeze(managing: Manager, folder: Path, how: str) -> float:
    """→ when (monotonic)."""
    if how == "stop":
        managing.signal(signal.SIGSTOP)
    else:
        flag = folder / "freeze"
        flag.write_text(how)
        turn_until(managing, lambda: not flag.exists(), "the freeze")
    return time.monotonic()


if __name__ == "__main__":
    sys.exit(main())
