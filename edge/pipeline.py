"""The threads of the unit and the queues between them; nothing about plates.

A stage is a plain callable that turns one item into any number of items for the next stage. `Pipeline` runs each in a thread of
its own; `in_one_thread` strings the very same callables together for tests and evaluation.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from edge.pulse import Pulse
from edge.recent import Recent
from edge.slots import WAIT_S

log = logging.getLogger(__name__)
BOUNDS_MS = (1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 10_000.0)
"""Of the histogram that is kept for ever: from a tracker's step to a stage that is about to be called stuck."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: `work` for every item; `finish` once, after the last item of recordings, for what it still holds.

    `together` does up to `most` items at once, for a stage that takes no longer for several: those that wait, and never a wait for more.
    """

    name: str
    work: Callable[[Any], Iterable[Any]]
    finish: Callable[[], Iterable[Any]] = tuple
    together: Callable[[Sequence[Any]], Iterable[Any]] | None = None
    most: int = 1


@dataclass(slots=True)
class Timing:
    """How long a stage took for its items: written by its thread alone."""

    count: int = 0
    busy_ns: int = 0
    recent_ms: Recent = field(default_factory=Recent)  # for percentiles
    histogram: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))  # by bound, at most; the last is for all above

    def add(self, duration_ns: int, items: int = 1) -> None:
        """Items that were done together took as long as all of them."""
        self.count += items
        self.busy_ns += duration_ns
        for _ in range(items):
            self.recent_ms.append(duration_ns / 1e6)
        self.histogram[bisect_left(BOUNDS_MS, duration_ns / 1e6)] += items


class _End:
    """Passed on behind the last item."""


END = _End()


class StageError(RuntimeError):
    """A stage's thread ended by an exception, which is this one's cause."""


class Pipeline:
    """Sources, each a thread that leaves items where `first` takes them; then a thread and a bounded queue for each stage."""

    def __init__(
        self,
        sources: Sequence[tuple[str, Callable[[], None]]],
        first: Callable[[int], Sequence[Any]],
        stages: Sequence[Stage],
        stop: threading.Event,
    ) -> None:
        """`first` returns the next items, at most so many, or none when there will be no more, and beats the first stage's pulse where
        it waits long; `stop` ends sources and stages alike."""
        self.timings = {stage.name: Timing() for stage in stages}
        self.pulses = {stage.name: Pulse() for stage in stages}
        self._stop, self._first = stop, first
        self._queues: list[queue.Queue[Any]] = [queue.Queue(maxsize=8) for _ in stages[1:]]
        self._failure: tuple[str, BaseException] | None = None
        self._threads = [self._thread(name, run) for name, run in sources]
        self._threads += [self._thread(stage.name, self._runner(i, stage)) for i, stage in enumerate(stages)]
        self._last = self._threads[-1]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait until the last stage ended, at most so long → whether it has. Raises StageError for a thread that failed."""
        self._last.join(timeout_s)
        self.check()
        return not self._last.is_alive()

    def check(self) -> None:
        if self._failure:
            name, cause = self._failure
            raise StageError(f"{name} failed: {type(cause).__name__}: {cause}") from cause

    def waiting(self) -> dict[str, int]:
        """How many items wait before each stage but the first."""
        return {name: q.qsize() for name, q in zip(list(self.timings)[1:], self._queues, strict=True)}

    def close(self, timeout_s: float = 2.0) -> list[str]:
        """Stop all threads; idempotent → the names of those that did not end in time."""
        self._stop.set()
        deadline_s = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline_s - time.monotonic()))
        return [thread.name for thread in self._threads if thread.is_alive()]

    def _thread(self, name: str, run: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                run()
            except BaseException as error:  # kept for the owner, who raises it: no thread dies unseen
                log.error("%s failed: %s: %s", name, type(error).__name__, error)
                self._failure = self._failure or (name, error)
                self._stop.set()

        return threading.Thread(target=guarded, name=name, daemon=True)

    def _runner(self, i: int, stage: Stage) -> Callable[[], None]:
        timing, pulse = self.timings[stage.name], self.pulses[stage.name]

        def run() -> None:
            for items in self._items(i, stage, pulse):
                started_ns = time.monotonic_ns()
                made = list(stage.work(items[0]) if len(items) == 1 or stage.together is None else stage.together(items))
                timing.add(time.monotonic_ns() - started_ns, len(items))
                self._pass_on(i, made, pulse)
            if not self._stop.is_set():
                self._pass_on(i, stage.finish(), pulse)
                self._pass_on(i, [END], pulse)
            pulse.ended = True

        return run

    def _items(self, i: int, stage: Stage, pulse: Pulse) -> Iterator[Sequence[Any]]:
        """The next item, or as many of those that wait as the stage does together."""
        ended = False
        while not self._stop.is_set() and not ended:
            items = self._first(stage.most) if i == 0 else self._taken(i, stage.most, pulse)
            ended = not items or items[-1] is END
            if items := [item for item in items if item is not END]:
                pulse.beat()
                yield items

    def _taken(self, i: int, most: int, pulse: Pulse) -> list[Any]:
        """At least one, unless stopped; END is the last of all."""
        waiting, items = self._queues[i - 1], list[Any]()
        while not self._stop.is_set() and not items:
            pulse.beat()
            with suppress(queue.Empty):
                items.append(waiting.get(timeout=WAIT_S))
        while items and len(items) < most and items[-1] is not END and not waiting.empty():
            items.append(waiting.get_nowait())  # this thread alone takes from it
        return items

    def _pass_on(self, i: int, items: Iterable[Any], pulse: Pulse) -> None:
        if i == len(self._queues):
            return
        for item in items:
            while not self._stop.is_set():
                pulse.beat()
                try:
                    self._queues[i].put(item, timeout=WAIT_S)
                    break
                except queue.Full:
                    continue


def in_one_thread(items: Iterable[Any], stages: Sequence[Stage]) -> Iterator[Any]:
    """The same stages without threads: every item through all of them, then what each still holds."""
    for item in items:
        yield from _through([item], stages)
    for i, stage in enumerate(stages):
        yield from _through(stage.finish(), stages[i + 1 :])


def _through(items: Iterable[Any], stages: Sequence[Stage]) -> Iterator[Any]:
    for stage in stages:
        items = [out for item in items for out in stage.work(item)]
    yield from items
