"""A broker that comes back to many waiting events: how fast do they leave, and what does it cost in memory?"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from edge.outbox import Outbox
from tests.chaos.listener import Listener
from tests.chaos.rig import Units
from tests.chaos.unit import Settings
from tests.edge.mqtt.mosquitto import Mosquitto, free_port
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until

QUICK, SMALL = 2000, 20
"""Events a second, and MiB, that must hold."""


@dataclass(frozen=True)
class Drain:
    """How a backlog left."""

    waiting: int
    lost: int
    raw_duplicates: int
    seconds: float
    events_a_second: float
    memory_mib: float  # before the broker came
    growth_mib: float  # the most since

    @property
    def passed(self) -> bool:
        return not self.lost and self.events_a_second >= QUICK and self.growth_mib < SMALL


def run(folder: Path, waiting: int) -> Drain:
    accepted = fill(folder / "outbox.db", waiting)
    broker = Mosquitto(folder / "broker", "max_queued_messages 100000", port=free_port())
    with ExitStack() as stack:
        units = Units(Settings(broker.port, str(folder / "outbox.db"), events=0, consumer_ack=False))
        stack.callback(units.kill)
        units.start()
        until(lambda: units.state().get("backlog") == waiting, "the unit")
        time.sleep(2)  # a few vain attempts to connect
        before_mib = memory_mib(units.pid, "VmRSS")
        stack.callback(broker.stop)
        units.freeze(True)  # the consumer is there first: what nobody hears is another test
        broker.start()
        listener = stack.enter_context(closing(Listener(broker.port)))
        units.freeze(False)
        started_s = time.monotonic()
        units.drain(300)
        took_s = time.monotonic() - started_s
        until(lambda: len(listener.first_s) >= waiting, "the last events", 60)
        most_mib = memory_mib(units.pid, "VmHWM")
    lost = len(set(accepted) - set(listener.first_s))
    twice = listener.deliveries - len(listener.first_s)
    rate, growth_mib = round(waiting / took_s), round(most_mib - before_mib, 1)
    return Drain(waiting, lost, twice, round(took_s, 2), rate, round(before_mib, 1), growth_mib)


def fill(path: Path, count: int) -> list[str]:
    with closing(Outbox(path, IDENTITY)) as outbox, ThreadPoolExecutor(32) as pool:
        return list(pool.map(lambda track: outbox.accept(plate_event(track=track)), range(count)))


def memory_mib(pid: int, what: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024
