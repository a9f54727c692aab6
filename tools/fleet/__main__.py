"""`python -m tools.fleet`: how every unit is, what is missing of its events, and whether it reads as it did."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from edge.mqtt import ConnectError, MqttConfigError
from tools import broker
from tools.fleet.baseline import BaselineError, Baselines
from tools.fleet.follow import follow
from tools.fleet.screen import JsonLines, Screen, Tables
from tools.fleet.units import Fleet

LOOK_AT = 3
"""Exit code of --once where a unit has an alarm."""
DETAILS = """\
A camera's first 300 vehicles are its baseline; the latest 100 are held against it: agreement of a vehicle's reads (Welch's t), share of
plates that fit a grammar (two proportions), plate heights (Kolmogorov and Smirnov), each at p < 0.000001 and only where the difference is
large enough to matter. With --baseline this outlives the process; after a camera was aimed anew, --rebase it. Events are missing when one
with a later sequence came a minute before: lost, or still in the unit's outbox."""


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    stopped = threading.Event()
    broker.stop_on_signals(stopped)
    try:
        return _watch(chosen, stopped)
    except (MqttConfigError, ConnectError, BaselineError) as error:
        print(f"fleet: {broker.in_options(str(error))}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _watch(chosen: argparse.Namespace, stopped: threading.Event) -> int:
    baselines = Baselines(chosen.baseline)
    try:
        if chosen.rebase:
            return _rebase(baselines, chosen.rebase)
        fleet = Fleet(chosen.prefix, baselines)
        screen: Screen = JsonLines() if chosen.json else Tables(Console())
        try:
            follow(broker.config(chosen), chosen.device, fleet, stopped, Looker(fleet, screen, chosen, stopped))
        finally:
            screen.close()
        return LOOK_AT if chosen.once and any(unit["alarms"] for unit in fleet.report(time.monotonic())) else 0
    finally:
        baselines.close()


class Looker:
    """Shows the fleet when it is time to."""

    def __init__(self, fleet: Fleet, screen: Screen, chosen: argparse.Namespace, stopped: threading.Event) -> None:
        self._fleet, self._screen, self._stopped, self._once = fleet, screen, stopped, chosen.once
        live = not chosen.json and Console().is_terminal
        self._every_s = 0.5 if live else chosen.every
        self._due_s = time.monotonic() + (chosen.listen if chosen.once else min(self._every_s, chosen.listen))

    def __call__(self, state: str) -> None:
        now = time.monotonic()
        if now < self._due_s:
            return
        self._due_s = now + self._every_s
        strange = sum(self._fleet.invalid.values())
        self._screen.show(self._fleet.report(now), f"{state}; {strange} messages were none of a unit's" if strange else state)
        if self._once:
            self._stopped.set()


def _rebase(baselines: Baselines, which: str) -> int:
    device, _, camera = which.partition("/")
    if baselines.begin_anew(device, camera):
        print(f"{which}: its next vehicles are its baseline")
        return 0
    print(f"fleet: --rebase {which}: expected DEVICE/CAMERA of the file that --baseline names", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools.fleet", description=__doc__, epilog=DETAILS)
    broker.add_options(parser)
    parser.add_argument("--json", action="store_true", help="a line of JSON for all units, every --every seconds")
    parser.add_argument(
        "--every", type=float, default=30.0, metavar="S", help="between two lines or, without a terminal, tables (%(default)s)"
    )
    parser.add_argument("--once", action="store_true", help=f"say it once, and exit: {LOOK_AT} where a unit has an alarm")
    parser.add_argument("--listen", type=float, default=5.0, metavar="S", help="before it is said first (%(default)s)")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="keep the cameras' vehicles in this file")
    parser.add_argument("--rebase", metavar="DEVICE/CAMERA", help="forget a camera's baseline, and exit")
    return parser


if __name__ == "__main__":
    sys.exit(main())
