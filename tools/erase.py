"""`python -m tools.erase`: take everything out of a unit's outbox that it has stored of a plate.

    python -m tools.erase --config config.yaml 51F-734.20
    python -m tools.erase --config config.yaml                # asks for the plate: it is then in no list of commands

Events that wait, events that are kept for a replay, and dead letters go, of every vehicle that was read as this plate; with privacy.mode
hmac, those under its tokens. What was published before is with whoever subscribed: an event that was still waiting is a gap in its
sequences. The audit log says that somebody erased, and how much, and not which plate. A unit that runs is asked through the socket beside
its outbox; where none runs, the outbox is opened.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from edge.audit import Audit
from edge.config import Config, ConfigError, load
from edge.erasure import Eraser
from edge.events import Identity
from edge.outbox import Outbox, OutboxError
from edge.outbox.door import DoorError, ask
from edge.privacy import Privacy


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    plate = chosen.plate or input("plate: ")
    try:
        found = _erased(load(chosen.config), plate)
    except (ConfigError, DoorError, OutboxError) as error:
        print(f"erase: {error}", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=2))
    return 0


def _erased(config: Config, plate: str) -> dict[str, Any]:
    path = config.outbox.path
    if not path.exists():
        raise DoorError(f"{path}: there is no outbox; check --config")
    request = {"do": "erase", "plate": plate}
    try:
        return ask(path, request)
    except (FileNotFoundError, ConnectionRefusedError):  # no unit runs, or it did not live to close its door
        with closing(Outbox(path, Identity("tools.erase"))) as outbox:
            eraser = Eraser(outbox, lambda: Privacy(config.privacy), Audit(config.audit.path, config.audit.keep_days))
            found = eraser.answer(request)
    if "error" in found:
        raise DoorError(found["error"])
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.erase", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plate", nargs="?", help="as people write it; asked for where it is left out")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="the unit's (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
