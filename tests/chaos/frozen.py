"""A thread of the real daemon freezes, each in turn, under a stand-in for systemd with the shipped times: is it ended, and soon back?"""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from edge.config.sections import Watchdog
from tests.edge.mqtt.mosquitto import Mosquitto, free_port
from tests.systemd.daemon import PLACES
from tests.systemd.manager import Manager
from tests.systemd.rig import manager, turn_until

CASES = (*((place, "wait") for place in PLACES), ("detect", "gil"), ("process", "stop"))
"""Where and how: see `tests.systemd.daemon`; "stop" is SIGSTOP, of which not even SIGABRT is a way out."""
NAMES = {"capture": "camera road", "publish": "mqtt"}
ALLOWED_S, LONGEST_S = 30.0, 180.0


@dataclass(frozen=True)
class Freeze:
    """One of them, and what followed."""

    where: str
    how: str
    ended_by: str
    told: str  # the threads that the daemon named; "" where it could say nothing any more
    ended_s: float  # from the freeze until the watchdog bit
    back_s: float  # … until the next life was ready and fed its watchdog
    lives: int

    @property
    def passed(self) -> bool:
        named = NAMES.get(self.where, self.where) if self.how == "wait" else ""
        return (self.ended_by, self.told, self.lives) == ("watchdog", named, 2) and self.back_s <= ALLOWED_S


def run(folder: Path, where: str, how: str, stage_s: float = Watchdog().stage_s) -> Freeze:
    with ExitStack() as stack:
        broker = Mosquitto(folder / "broker", port=free_port()).start()
        stack.callback(broker.stop)
        managing = manager(folder, stage_s, broker_port=broker.port)
        stack.callback(managing.close)
        turn_until(managing, lambda: bool(managing.lives) and managing.life.fed > 10, "a unit that feeds", LONGEST_S)
        first = managing.life
        began_s = freeze(managing, folder, where, how)
        turn_until(managing, lambda: bool(first.ended_by), "its end", LONGEST_S)
        ended_s = time.monotonic() - began_s
        turn_until(managing, lambda: managing.life is not first and managing.life.fed > 0, "its next life", LONGEST_S)
        back_s = time.monotonic() - began_s
    told = first.status.removeprefix("stuck: ").rpartition(" (")[0] if first.status.startswith("stuck: ") else ""
    return Freeze(where, how, first.ended_by, told, round(ended_s, 1), round(back_s, 1), len(managing.lives))


def freeze(managing: Manager, folder: Path, where: str, how: str) -> float:
    """→ when (monotonic)."""
    if how == "stop":
        managing.signal(signal.SIGSTOP)
    else:
        flag = folder / "freeze"
        flag.write_text(f"{where} {how}")
        turn_until(managing, lambda: not flag.exists(), f"the freeze of {where}", LONGEST_S)
    return time.monotonic()
