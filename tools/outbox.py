"""`python -m tools.outbox`: look into a unit's outbox, and have it send again what it has sent before.

    python -m tools.outbox state                              # what waits, what is kept, what was given up
    python -m tools.outbox replay --since 2d                  # the delivered events of the last two days, marked `backfilled`
    python -m tools.outbox replay --since 2026-05-01 --until 2026-05-02T06:00
    python -m tools.outbox replay --since 7d --dead           # the dead letters, as if nobody had refused them

A unit that runs on this outbox is asked through the socket beside it; where none runs, the outbox is opened, and what is to be sent
again leaves when the unit starts. How far back a replay may reach is `outbox.keep_days`, as far as `outbox.size_mb` has room for it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.config import ConfigError, load
from edge.events import Identity
from edge.outbox import Outbox, OutboxError
from edge.outbox.door import DoorError, answer, ask

AGO_S = {"m": 60, "h": 3600, "d": 86_400}


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    try:
        path = chosen.outbox or load(chosen.config).outbox.path
        if not path.exists():
            raise DoorError(f"{path}: there is no outbox; check --config, or name it with --outbox")
        found, runs = _do(path, _request(chosen))
    except (ConfigError, DoorError, OutboxError) as error:
        print(f"outbox: {error}", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=2) if chosen.do == "state" else _told(found["events"], runs))
    return 0


def moment(text: str, now_utc_s: float | None = None) -> float:
    """ "2d", "6h", "30m" ago, or an ISO 8601 time, UTC unless it says otherwise → seconds since 1970."""
    ago = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", text)
    if ago:
        return (time.time() if now_utc_s is None else now_utc_s) - float(ago[1]) * AGO_S[ago[2]]
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, expected 2d, 6h, 30m, 2026-05-01 or 2026-05-01T06:00") from error
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()


def _do(path: Path, request: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """→ the answer, and whether a unit gave it."""
    try:
        return ask(path, request), True
    except (FileNotFoundError, ConnectionRefusedError):  # no unit runs, or it did not live to close its door
        with closing(Outbox(path, Identity("tools.outbox"))) as outbox:
            found = answer(outbox, request)
    if "error" in found:
        raise DoorError(found["error"])
    return found, False


def _request(chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.do == "state":
        return {"do": "state"}
    return {"do": "replay", "since_utc_s": chosen.since, "until_utc_s": chosen.until, "dead": chosen.dead}


def _told(events: int, runs: bool) -> str:
    return f"{events} events are sent again" + ("" if runs else " when the unit starts")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.outbox", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("do", choices=("state", "replay"))
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="the unit's (%(default)s)")
    parser.add_argument("--outbox", type=Path, metavar="FILE", help="the database itself, instead of the config's")
    parser.add_argument("--since", type=moment, default="1d", help="events accepted since then: 2d, 6h, 30m or a time (%(default)s)")
    parser.add_argument("--until", type=moment, default="0m", help="… and until then (now)")
    parser.add_argument("--dead", action="store_true", help="dead letters instead of delivered events")
    return parser


if __name__ == "__main__":
    sys.exit(main())
