"""The whole unit at full speed for a long time, with something going wrong every few seconds: does it grow, slow down, or lose an event?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from alpr.metrics import percentiles
from tests.chaos.consumer import Consumer, bodies
from tests.chaos.daemon import CLIP, Daemon, Page
from tests.chaos.disk import COMPILER, Disk
from tests.chaos.mischief import Scene, mischief
from tests.chaos.plot import plot
from tests.chaos.process import Vitals, slope
from tests.chaos.report import write_csv
from tests.chaos.source import Source
from tests.edge.mqtt.mosquitto import Mosquitto, free_port
from tests.edge.mqtt.outage import seen
from tests.edge.waiting import until

ROW_S, FAULT_EVERY_S = 10.0, 8.0
LEAK_MIB_AN_HOUR, SLOWER = 1.0, 1.5
LONG_MIN = 20.0
"""A shorter run says nothing of a slope."""
WARM = 1 / 3
"""Of the run: histograms fill, allocators settle, SQLite's cache fills."""


@dataclass(frozen=True)
class Row:
    """A moment of the run."""

    minute: float
    rss_mib: float
    fds: int
    threads: int
    children: int
    children_rss_mib: float
    backlog: int
    accepted: int
    arrived: int
    frames: int
    detect_p50_ms: float  # of the frames since the last row, as the metrics page's histogram has them
    detect_p95_ms: float
    faults: str  # since the last row


@dataclass(frozen=True)
class Soak:
    """What the run came to."""

    minutes: float
    frames: int
    faults: int
    accepted: int
    lost: int  # accepted, and the consumer does not have them
    rss_mib_first: float  # after the warm-up, the first third
    rss_mib_last: float
    mib_an_hour: float  # the slope of all rows since
    fds_first: int  # before the first fault and after the last
    fds_last: int
    threads_first: int
    threads_last: int
    detect_p95_ms_first_third: float
    detect_p95_ms_last_third: float
    early_p95_ms_first_third: float  # capture to `early` event, by the events themselves
    early_p95_ms_last_third: float

    @property
    def passed(self) -> bool:
        level = self.minutes < LONG_MIN or self.mib_an_hour < LEAK_MIB_AN_HOUR
        flat = (self.fds_first, self.threads_first) == (self.fds_last, self.threads_last)
        quick = self.early_p95_ms_last_third <= SLOWER * self.early_p95_ms_first_third
        return not self.lost and self.accepted > 0 and level and flat and quick


def run(folder: Path, minutes: float, csv: Path | None = None, conditions: str = "", seed: int = 1) -> Soak:
    """`csv`: the rows go beside it as …-rows.csv, and as a picture."""
    rng = np.random.default_rng(seed)
    with ExitStack() as stack:
        scene = staged(folder, rng, stack)
        first = at_rest(scene)
        began_s = time.monotonic()
        rows, pages = [], [_page(scene.daemon)]
        with mischief(scene, rng, FAULT_EVERY_S) as going:
            while time.monotonic() - began_s < 60 * minutes:
                time.sleep(ROW_S)
                assert scene.daemon.alive and not (going.done() and going.result()), scene.daemon.log()[-4000:]
                rows.append(look(scene, began_s, pages))
                print(*asdict(rows[-1]).values(), sep="\t", flush=True)
        last = at_rest(scene)
        scene.daemon.drain()
        log = scene.daemon.log()
    assert minutes < LONG_MIN or ("reload: in force" in log and "refused, the old config goes on" in log)
    found = judged(minutes, scene, rows, pages, (first, last))
    if csv is not None:
        write_csv(csv.with_name(f"{csv.stem}-rows.csv"), rows, conditions)
        drawn(csv.with_suffix(".png"), rows, [(at_s - began_s) / 60 for at_s, _ in scene.happened], conditions)
    return found


def staged(folder: Path, rng: np.random.Generator, stack: ExitStack) -> Scene:
    """The clip as fast as it goes, and a network camera beside it; consumer acknowledgement; a disk that may be told to fail."""
    disk = stack.enter_context(closing(Disk(folder))) if COMPILER else None
    broker = Mosquitto(folder / "broker", "max_queued_messages 100000", port=free_port()).start()
    stack.callback(broker.stop)
    consumer = Consumer(broker.port, folder / "watched.db")
    stack.callback(consumer.kill)
    source = stack.enter_context(closing(Source(np.random.default_rng(rng.integers(2**32)))))
    config = {
        "cameras": [{"id": "road", "source": str(CLIP), "loop": True}, {"id": "gate", "source": source.url}],
        "mqtt": {"host": "127.0.0.1", "port": broker.port, "consumer_ack": True, "consumer_ack_s": 5},
        "outbox": {"path": str((disk.below if disk else folder) / "outbox.db")},
    }
    daemon = Daemon(folder, config, environment=disk.environment if disk else None)
    stack.callback(daemon.kill)
    daemon.start()
    return Scene(daemon, broker, consumer, source, disk)


def at_rest(scene: Scene) -> Vitals:
    """Once both cameras stream and the broker is there."""

    def sound() -> bool:
        page = _page(scene.daemon)
        return all(page.value("camera_streaming", camera=each) for each in ("road", "gate")) and page.value("broker_connected") == 1

    until(sound, "a unit that has all it needs", 90)
    time.sleep(1)  # the page's last answer has been given
    return Vitals.of(scene.daemon.pid)


def look(scene: Scene, began_s: float, pages: list[Page]) -> Row:
    pages.append(_page(scene.daemon))
    before, page = pages[-2:]
    since = [name for at_s, name in scene.happened if time.monotonic() - at_s < ROW_S]
    p50, p95 = (round(1000 * page.quantile(share, before, "stage_seconds", stage="detect"), 1) for share in (0.5, 0.95))
    counts = [int(page.value("outbox_backlog")), int(page.value("events_total", outcome="accepted")), seen(scene.consumer.file)]
    minute = round((time.monotonic() - began_s) / 60, 2)
    vitals = asdict(Vitals.of(scene.daemon.pid)).values()
    return Row(minute, *vitals, *counts, int(page.value("frames_detected_total")), p50, p95, "; ".join(since))


def judged(minutes: float, scene: Scene, rows: Sequence[Row], pages: Sequence[Page], ends: tuple[Vitals, Vitals]) -> Soak:
    warm = rows[int(len(rows) * WARM) :]
    growth = slope([row.minute / 60 for row in warm], [row.rss_mib for row in warm]) if len(warm) > 1 else 0.0
    outbox = Path(scene.daemon.config["outbox"]["path"])
    assert not list(outbox.parent.glob("*.damaged-*")), "an outbox was set aside, and what it held is not counted here"
    stored, arrived = bodies(outbox), bodies(scene.consumer.file)
    third = len(pages) // 3
    ends_of = ((pages[0], pages[third]), (pages[-third - 1], pages[-1]))
    detect = [1000 * last.quantile(0.95, first, "stage_seconds", stage="detect") for first, last in ends_of]
    early = [event["latency_ms"]["capture_to_event"] for event in stored.values() if event["type"] == "early"]
    p95 = [percentiles(each, (95,))["p95"] for each in (early[: len(early) // 3], early[-(len(early) // 3) :])]
    return Soak(
        minutes, rows[-1].frames, len(scene.happened), len(stored), len(stored.keys() - arrived.keys()),
        warm[0].rss_mib, warm[-1].rss_mib, round(growth, 2), ends[0].fds, ends[1].fds, ends[0].threads, ends[1].threads,
        *(round(each, 1) for each in (*detect, *p95)),
    )  # fmt: skip


def drawn(file: Path, rows: Sequence[Row], marks_min: Sequence[float], conditions: str) -> None:
    names = ("rss_mib", "fds", "threads", "backlog", "accepted", "arrived", "detect_p95_ms")
    plot(file, [row.minute for row in rows], {name: [getattr(row, name) for row in rows] for name in names}, marks_min, conditions)


def _page(daemon: Daemon) -> Page:
    return until(daemon.page, "the daemon's page", 60)
