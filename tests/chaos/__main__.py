"""`python -m tests.chaos WHAT`: break the unit and its delivery on purpose, and count. Exits with 1 where something did not hold.

    python -m tests.chaos kills --events 10000 --broker 20 --unit 20 --seeds 1 2 3 4 5     # --done-when broker|consumer|both
    python -m tests.chaos points                                                          # killed at labelled places
    python -m tests.chaos drain --events 50000
    python -m tests.chaos holdup                                                          # poison, denial, quota, silence
    python -m tests.chaos disk                                                            # ENOSPC, EIO, EROFS
    python -m tests.chaos cameras --cycles 200           # four cameras that stall, die, change their size, talk nonsense, each once a cycle
    python -m tests.chaos frozen                                                          # each thread of the daemon, under its watchdog
    python -m tests.chaos soak --minutes 30              # the whole unit at full speed, with all of it going wrong now and then
    python -m tests.chaos load --minutes 10              # a hundred times a busy road's events, while the loop goes on

Each prints a table; --csv FILE keeps it, and beside it the rows of cameras and soak, and soak's curves. mosquitto is started as a
child, and keeps no state.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.chaos import cameras, disk, drain, frozen, holdup, kills, load, points, report, soak
from tests.chaos.crash import PLACES


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    chosen.conditions += f"; {platform.machine()}, Python {platform.python_version()}"
    results: list[Any] = []
    for run in COMMANDS[chosen.what](chosen):
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            found = run(Path(folder))
        rows = found if isinstance(found, list) else [found]
        results += rows
        print(report.table(rows), flush=True)
    print("\n" + report.table(results))
    if chosen.csv is not None:
        report.write_csv(chosen.csv, results, chosen.conditions)
    failed = [result for result in results if not result.passed]
    print(f"{len(results) - len(failed)} of {len(results)} passed")
    return 1 if failed else 0


Runs = Iterator[Callable[[Path], Any]]


def _kills(chosen: argparse.Namespace) -> Runs:
    counts = (chosen.events or 10_000, chosen.broker, chosen.unit, chosen.consumer)
    for done_when in ("consumer", "broker") if chosen.done_when == "both" else (chosen.done_when,):
        plan = kills.Plan(*counts, rate=chosen.rate, consumer_ack=done_when == "consumer", silent=chosen.silent)
        yield from (partial(kills.run, seed=seed, plan=plan) for seed in chosen.seeds)


def _points(chosen: argparse.Namespace) -> Runs:
    yield from (partial(points.run, place=name, times=times) for name, place in PLACES.items() for times in place.times)


def _drain(chosen: argparse.Namespace) -> Runs:
    yield partial(drain.run, waiting=chosen.events or 50_000)


def _holdup(chosen: argparse.Namespace) -> Runs:
    yield from (partial(holdup.run, name=name, seconds=chosen.seconds) for name in holdup.SCENES)


def _disk(chosen: argparse.Namespace) -> Runs:
    faults = (*disk.FAULTS, *([disk.MOUNTED] if disk.may_mount() else []))
    yield from (partial(disk.run, fault=fault, seconds=chosen.seconds / 6) for fault in faults)


def _cameras(chosen: argparse.Namespace) -> Runs:
    yield partial(cameras.run, cycles=chosen.cycles, csv=chosen.csv, conditions=chosen.conditions)


def _frozen(chosen: argparse.Namespace) -> Runs:
    yield from (partial(frozen.run, where=where, how=how) for where, how in frozen.CASES)


def _soak(chosen: argparse.Namespace) -> Runs:
    yield partial(soak.run, minutes=chosen.minutes, csv=chosen.csv, conditions=chosen.conditions)


def _load(chosen: argparse.Namespace) -> Runs:
    yield partial(load.run, minutes=chosen.minutes)


COMMANDS: dict[str, Callable[[argparse.Namespace], Runs]] = {
    "kills": _kills,
    "points": _points,
    "drain": _drain,
    "holdup": _holdup,
    "disk": _disk,
    "cameras": _cameras,
    "frozen": _frozen,
    "soak": _soak,
    "load": _load,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=COMMANDS)
    parser.add_argument("--events", type=int, default=0)
    parser.add_argument("--broker", type=int, default=20, help="kills of the broker (%(default)s)")
    parser.add_argument("--unit", type=int, default=20, help="kills of the unit (%(default)s)")
    parser.add_argument("--consumer", type=int, default=0, help="kills of the consumer (%(default)s)")
    parser.add_argument("--silent", action="store_true", help="kills: the consumer tells the unit nothing, as most do not")
    parser.add_argument("--rate", type=float, default=250, help="events a second (%(default)s)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--done-when", choices=("consumer", "broker", "both"), default="consumer", help="who acknowledges (%(default)s)")
    parser.add_argument("--seconds", type=float, default=30, help="holdup and disk: how long each lasts (%(default)s)")
    parser.add_argument("--cycles", type=int, default=200, help="cameras (%(default)s)")
    parser.add_argument("--minutes", type=float, default=10, help="soak, and load with as many beside it without one (%(default)s)")
    parser.add_argument("--csv", type=Path, metavar="FILE")
    parser.add_argument("--conditions", default="", help="a word for the CSV about the machine")
    return parser


if __name__ == "__main__":
    sys.exit(main())
