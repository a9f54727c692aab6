"""The daemon itself, with a detector that freezes: `python -m tests.systemd.daemon FLAG`, and then the daemon's own arguments.

Once the file FLAG is there, the next frame takes it away and never ends. FLAG says how: "wait", as a driver does that waits for its
device; "gil", as an extension does that lets no other thread run.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

from edge import __main__ as edge
from edge import unit
from edge.loop import Loop


def main(flag: Path, arguments: list[str]) -> int:
    build = unit.loop_from

    def loop_from(*given: Any, **named: Any) -> Loop:
        loop = build(*given, **named)
        work = loop.detector

        def detector(*pictures: Any) -> Any:
            freeze(flag)
            return work(*pictures)

        loop.detector = detector  # type: ignore[assignment]
        return loop

    unit.loop_from = loop_from
    return edge.main(arguments)


def freeze(flag: Path) -> None:
    try:
        how = flag.read_text()
        flag.unlink()
    except FileNotFoundError:
        return
    if how == "gil":
        sys.setswitchinterval(10_000)  # nobody else is let run: the main thread can neither feed nor say anything
        while True:
            time.monotonic()
    threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
