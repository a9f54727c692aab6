"""Network cameras that stall, die, come back in another size or talk nonsense, again and again: is each back soon, and the unit as it was?

Four cameras suffer one kind of trouble each, all at once, and in the next cycle another; a fifth in the same unit is left alone.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.chaos.daemon import Daemon
from tests.chaos.process import Vitals, slope
from tests.chaos.report import write_csv
from tests.chaos.source import KINDS, Source
from tests.edge.mqtt.mosquitto import Mosquitto, free_port
from tests.edge.waiting import until

ALLOWED_S, UNDISTURBED_S, GROWTH_MIB, WARM = 10.0, 3.0, 1.0, 1 / 3
"""In which a camera must be back; the longest that the fifth may be without a picture; what the unit may grow in 100 cycles, once warm."""
FEW = 30
"""Cycles, of which no growth is judged: allocators and histograms are still filling."""
LONGEST_S = 90.0
ALONE = "left-alone"
Seconds = Mapping[str, float]


@dataclass(frozen=True)
class Cycles:
    """What became of the cameras after one kind of trouble, and of the unit that has them all."""

    kind: str
    n: int
    recovered: int  # within ALLOWED_S of the source's return
    median_s: float
    worst_s: float
    fds_first: int  # "first": at rest, after the first third of the cycles; "last": at the end
    fds_last: int
    threads_first: int
    threads_last: int
    children_first: int
    children_last: int
    rss_mib_first: float
    rss_mib_last: float
    rss_mib_a_100_cycles: float
    other_reconnects: int  # of the camera that was left alone
    other_longest_gap_s: float

    @property
    def passed(self) -> bool:
        flat = (self.fds_first, self.threads_first, self.children_first) == (self.fds_last, self.threads_last, self.children_last)
        undisturbed = not self.other_reconnects and self.other_longest_gap_s < UNDISTURBED_S
        return self.recovered == self.n and flat and (self.n < FEW or self.rss_mib_a_100_cycles < GROWTH_MIB) and undisturbed


class Gaze:
    """Looks at the unit's page ten times a second, and notes when each camera has shown something new."""

    def __init__(self, daemon: Daemon, cameras: Sequence[str]) -> None:
        self.new_s: dict[str, list[float]] = {name: [] for name in cameras}
        self.streaming, self.reconnects = dict.fromkeys(cameras, False), dict.fromkeys(cameras, 0)
        self.held = threading.Lock()  # whoever has it may look at a unit of which nobody asks anything
        self._daemon, self._frames = daemon, dict.fromkeys(cameras, 0.0)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def since(self, name: str, moment_s: float) -> float | None:
        """How long after a moment the first new picture was seen; None before there is one."""
        seen_s = self.new_s[name]
        index = bisect_right(seen_s, moment_s)
        return seen_s[index] - moment_s if index < len(seen_s) else None

    def longest_gap_s(self, name: str) -> float:
        return round(float(np.diff(self.new_s[name]).max()), 2)

    def close(self) -> None:
        self._closing.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._closing.wait(0.1):
            with self.held:
                page = self._daemon.page()
            for name, new_s in self.new_s.items() if page is not None else ():
                frames, self.streaming[name] = page.value("frames_total", camera=name), page.value("camera_streaming", camera=name) == 1
                self.reconnects[name] = int(page.value("camera_reconnects_total", camera=name))
                if self.streaming[name] and frames > self._frames[name]:
                    new_s.append(time.monotonic())
                self._frames[name] = frames


class Street:
    """One unit with its cameras, all of them sound between two cycles."""

    def __init__(self, folder: Path, rng: np.random.Generator, stack: ExitStack) -> None:
        self._rng, self._pool = rng, stack.enter_context(ThreadPoolExecutor(len(KINDS) + 1))
        names = [*(f"gate-{number}" for number, _ in enumerate(KINDS)), ALONE]
        self.sources = dict(zip(names, self._pool.map(Source, [np.random.default_rng(rng.integers(2**32)) for _ in names]), strict=True))
        for source in self.sources.values():
            stack.callback(source.close)
        broker = Mosquitto(folder / "broker", port=free_port()).start()
        stack.callback(broker.stop)
        cameras = [{"id": name, "source": source.url} for name, source in self.sources.items()]
        self.daemon = Daemon(folder, {"cameras": cameras, "mqtt": {"host": "127.0.0.1", "port": broker.port}})
        stack.callback(self.daemon.kill)
        self.daemon.start()
        self.gaze = stack.enter_context(closing(Gaze(self.daemon, names)))
        until(lambda: all(self.gaze.streaming.values()), "all cameras", LONGEST_S)

    def cycle(self, kinds: Mapping[str, str]) -> Seconds:
        """Camera → kind of trouble, each noticed, left for a while and mended → seconds until its pictures came again."""
        for name, kind in kinds.items():
            self.sources[name].suffer(kind)
        until(lambda: not any(self.gaze.streaming[name] for name in kinds), "trouble that is noticed", LONGEST_S)
        time.sleep(self._rng.uniform(0, 3))
        mended_s = dict(zip(kinds, self._pool.map(lambda name: self.sources[name].mend(), kinds), strict=True))
        took_s = {name: until(lambda name=name: self.gaze.since(name, mended_s[name]), f"{name} again", LONGEST_S) for name in kinds}
        time.sleep(self._rng.uniform(0.5, 4))  # mostly too short to count as steady: a back-off that grows would grow
        return took_s

    def vitals(self) -> Vitals:
        with self.gaze.held:
            time.sleep(0.3)  # the page's last answer has been given
            return Vitals.of(self.daemon.pid)


def run(folder: Path, cycles: int, csv: Path | None = None, conditions: str = "", seed: int = 1) -> list[Cycles]:
    """A row a kind of trouble. Each cycle gives each kind to one of the cameras, by turns.

    `csv`: what the unit was after each cycle goes beside it as …-rows.csv.
    """
    rng = np.random.default_rng(seed)
    took_s: dict[str, list[float]] = {kind: [] for kind in KINDS}
    vitals: list[Vitals] = []  # after each cycle
    with ExitStack() as stack:
        street = Street(folder, rng, stack)
        for cycle in range(cycles):
            kinds = {f"gate-{(number + cycle) % len(KINDS)}": kind for number, kind in enumerate(KINDS)}
            for name, seconds in street.cycle(kinds).items():
                took_s[kinds[name]].append(seconds)
            vitals.append(street.vitals())
        gaze = street.gaze
        other = (gaze.reconnects[ALONE], gaze.longest_gap_s(ALONE))
        assert "pictures are now 480x272" in street.daemon.log()
    if csv is not None:
        write_csv(csv.with_name(f"{csv.stem}-rows.csv"), vitals, conditions)
    return [row(kind, seconds, vitals, other) for kind, seconds in took_s.items()]


def row(kind: str, seconds: Sequence[float], vitals: Sequence[Vitals], other: tuple[int, float]) -> Cycles:
    settled = vitals[int(len(vitals) * WARM) :]
    first, last = settled[0], settled[-1]
    growth = slope(range(len(settled)), [each.rss_mib for each in settled]) * 100 if len(settled) > 1 else 0.0
    counts = (first.fds, last.fds, first.threads, last.threads, first.children, last.children)
    times = (round(float(np.median(seconds)), 2), round(max(seconds), 2))
    back = sum(each <= ALLOWED_S for each in seconds)
    return Cycles(kind, len(seconds), back, *times, *counts, first.rss_mib, last.rss_mib, round(growth, 2), *other)
