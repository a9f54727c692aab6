"""A hundred times a busy road's events through outbox and broker, while the loop reads the clip: is one lost, does the loop feel it?

A lane at its capacity passes a vehicle every two seconds (1,800 an hour), and each gives two events, `early` and `final`: one event a
second. The loop is measured with the load and without it by turns, so that whatever else the machine does meets both alike.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from alpr.metrics import percentiles
from tests.chaos.consumer import Consumer, bodies
from tests.chaos.daemon import CLIP, Daemon
from tests.chaos.loaded import SETTLE_S, Window
from tests.edge.mqtt.mosquitto import Mosquitto, free_port
from tests.edge.waiting import until

RATE, WINDOW_S = 100.0, 27.0
UNCHANGED = 1.15
"""The most that a 95th percentile under load may be to the other. On a machine that others use, two runs without a load differ so, too."""


@dataclass(frozen=True)
class Load:
    """The loop alone and under load."""

    load_minutes: float
    events_a_second: float  # accepted, of the load alone
    accepted: int  # those of the clip's vehicles too
    rejected: int
    lost: int
    frames_a_second_alone: float
    frames_a_second_loaded: float
    detect_p95_ms_alone: float
    detect_p95_ms_loaded: float
    detect_ratio: float
    loop_p95_ms_alone: float  # from capture to the vote
    loop_p95_ms_loaded: float
    loop_ratio: float
    alone_ratio: float  # the later half of the windows without a load to the earlier: what the machine itself does

    @property
    def passed(self) -> bool:
        return not (self.lost or self.rejected) and max(self.detect_ratio, self.loop_ratio) <= UNCHANGED


def run(folder: Path, minutes: float, rate: float = RATE, window_s: float = WINDOW_S) -> Load:
    pairs = max(1, round(60 * minutes / (window_s + SETTLE_S)))
    with ExitStack() as stack:
        broker = Mosquitto(folder / "broker", "max_queued_messages 100000", port=free_port()).start()
        stack.callback(broker.stop)
        consumer = Consumer(broker.port, folder / "watched.db")
        stack.callback(consumer.kill)
        config = {
            "cameras": [{"id": "road", "source": str(CLIP), "loop": True, "realtime": True}],
            "mqtt": {"host": "127.0.0.1", "port": broker.port, "consumer_ack": True},
        }
        daemon = Daemon(folder, config, "tests.chaos.loaded", str(rate), str(window_s))
        stack.callback(daemon.kill)
        daemon.start()
        time.sleep(2 * pairs * (window_s + SETTLE_S))
        until(lambda: len(windows_of(daemon.said)) >= 2 * pairs, f"{2 * pairs} windows\n{daemon.log()[-2000:]}", 120)
        windows = windows_of(daemon.said)
        daemon.drain()
    return judged(windows, bodies(folder / "outbox.db"), bodies(consumer.file), window_s)


def windows_of(said: Path) -> list[Window]:
    return [Window(**json.loads(line)) for line in said.read_text().splitlines(keepends=True) if line.endswith("\n")]


def judged(windows: Sequence[Window], stored: Mapping[str, object], arrived: Mapping[str, object], window_s: float) -> Load:
    alone, loaded = ([each for each in windows[: len(windows) // 2 * 2] if each.load is load] for load in (False, True))
    seconds = len(alone) * window_s
    detect, loop = ([p95(each, name) for each in (alone, loaded)] for name in ("detect_ms", "loop_ms"))
    halves = [p95(half, "loop_ms") for half in (alone[: (len(alone) + 1) // 2], alone[len(alone) // 2 :])]
    accepted, rejected = (sum(getattr(each, name) for each in windows) for name in ("accepted", "rejected"))
    rate = sum(each.accepted for each in loaded) / (len(loaded) * (window_s + SETTLE_S))
    frames = [round(sum(each.frames for each in some) / seconds, 1) for some in (alone, loaded)]
    assert accepted <= len(stored), f"{accepted} events accepted, and the outbox has {len(stored)}"
    lost = len(stored.keys() - arrived.keys())
    return Load(
        round(len(loaded) * (window_s + SETTLE_S) / 60, 1), round(rate, 1), len(stored), rejected, lost, *frames,
        *detect, round(detect[1] / detect[0], 3), *loop, round(loop[1] / loop[0], 3), round(halves[1] / halves[0], 3),
    )  # fmt: skip


def p95(windows: Sequence[Window], name: str) -> float:
    return round(percentiles((value for each in windows for value in getattr(each, name)), (95,))["p95"], 2)
