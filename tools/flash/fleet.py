"""Many units at once: first the canaries, to the end of their probation, and the others only when all of those have kept the release."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass

from tools.flash import UnitError
from tools.flash.connection import Connection
from tools.flash.inventory import Target
from tools.flash.unit import Unit


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a unit."""

    name: str
    good: bool
    text: str
    touched: bool = True


Work = Callable[[Unit], str]
Tell = Callable[[Result], None]


def run(targets: Sequence[Target], work: Work, tell: Tell, canaries: int = 0, parallel: int = 8) -> list[Result]:
    """`work` on every unit, at most `parallel` at a time; `tell` hears of each as it ends. Results in the targets' order."""
    found: dict[str, Result] = {}
    for wave in (targets[:canaries], targets[canaries:]):
        if failed := [result.name for result in found.values() if not result.good]:
            for target in wave:
                found[target.name] = Result(target.name, False, f"not touched: {', '.join(failed)} went first, and failed", touched=False)
                tell(found[target.name])
        else:
            for result in _wave(wave, work, parallel):
                found[result.name] = result
                tell(result)
    return [found[target.name] for target in targets]


def _wave(targets: Sequence[Target], work: Work, parallel: int) -> Iterator[Result]:
    with _stopping() as stop, ThreadPoolExecutor(max(1, parallel), "flash") as pool:
        running = [pool.submit(_one, target, work, stop) for target in targets]
        try:
            for done in as_completed(running):
                yield done.result()
        except BaseException:  # Ctrl-C: what is under way on units goes on or back by itself
            stop.set()
            for each in running:
                each.cancel()
            raise


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    stop = threading.Event()
    try:
        yield stop
    finally:
        stop.set()


def _one(target: Target, work: Work, stop: threading.Event) -> Result:
    try:
        return Result(target.name, True, work(Unit(Connection(target, stop))))
    except UnitError as error:
        return Result(target.name, False, str(error))
