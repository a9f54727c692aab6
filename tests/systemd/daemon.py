"""The daemon itself, with a thread that freezes: `python -m tests.systemd.daemon FLAG`, and then the daemon's own arguments.

Once the file FLAG is there, whoever comes by the place that it names takes it away and never ends. FLAG says where and how: "detect wait",
as a driver does that waits for its device; "detect gil", as an extension does that lets no other thread run.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge import __main__ as edge
from edge.cameras.state import Logbook
from edge.detector import Detector
from edge.enhancer import Enhancer
from edge.loop import Loop
from edge.mqtt.connection import Connection
from edge.outbox.store import Store
from edge.reader import Reader
from edge.unit import Unit

PLACES: dict[str, tuple[Any, str]] = {
    "capture": (Logbook, "delivered"),
    "detect": (Detector, "__call__"),
    "enhance": (Enhancer, "__call__"),
    "read": (Reader, "__call__"),
    "vote": (Loop, "vote"),
    "accept": (Unit, "_accept"),
    "publish": (Connection, "pump"),
    "outbox": (Store, "commit"),
}
"""Where a thread of the unit comes by with its work: whose function, and its name."""


def main(flag: Path, arguments: list[str]) -> int:
    for place, (holder, name) in PLACES.items():
        setattr(holder, name, _freezing(getattr(holder, name), flag, place))
    return edge.main(arguments)


def _freezing(function: Callable[..., Any], flag: Path, place: str) -> Callable[..., Any]:
    def passing(*args: Any, **kwargs: Any) -> Any:
        if (how := _wanted(flag, place)) is not None:
            _freeze(how)
        return function(*args, **kwargs)

    return passing


def _wanted(flag: Path, place: str) -> str | None:
    """How to freeze, if it is here."""
    try:
        where, _, how = flag.read_text().partition(" ")
        if where != place:
            return None
        flag.unlink()
    except FileNotFoundError:
        return None
    return how


def _freeze(how: str) -> None:
    if how == "gil":
        sys.setswitchinterval(10_000)  # nobody else is let run: the main thread can neither feed nor say anything
        while True:
            time.monotonic()
    threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
