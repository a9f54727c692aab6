"""A unit that dies at a labelled place, comes again, and goes on: what it had accepted arrives."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.rig import Units, arrived
from tests.chaos.unit import Settings
from tests.edge.mqtt.mosquitto import Mosquitto, free_port
from tests.edge.mqtt.outage import end, wait_for_the_last, watch
from tests.edge.waiting import until

PREFILLED = {"put behind, not committed", "room made, not committed"}
"""Places that are passed only while nobody listens, or with much in the outbox."""


@dataclass(frozen=True)
class Point:
    """One place, and what came of dying there."""

    died: str
    time: int
    accepted: int
    lost: int
    untold: int
    under_two_ids: int
    raw_duplicates: int

    @property
    def passed(self) -> bool:
        return not (self.lost or self.under_two_ids)


def run(folder: Path, place: str, times: int, events: int = 300) -> Point:
    """Die at the n-th time, then again at the first; then live, and deliver."""
    watched = folder / "watched.db"
    with ExitStack() as stack:
        broker = Mosquitto(folder / "broker", "max_queued_messages 100000", port=free_port()).start()
        stack.callback(broker.stop)
        if place not in PREFILLED:
            stack.callback(end, watch(broker.port, watched, "5"))
        units = Units(Settings(broker.port, str(folder / "outbox.db"), events=events, rate=150))
        stack.callback(units.kill)
        for each in (times, 1):
            units.start(crash_at=place, crash_times=each)
            until(lambda: not units.alive, f"a death {place!r}, at the {each}th time", 30)
            units.wait()
        if place in PREFILLED:
            stack.callback(end, watch(broker.port, watched, "5"))
        units.start()
        before = len(units.accepted)
        until(lambda: len(units.accepted) >= before + events, "the last run's events")
        units.drain(60)
        wait_for_the_last(watched, len(units.accepted), quiet_s=5)
        found = arrived(watched)
        units.kill()
    accepted = set(units.accepted)
    lost, untold, twice = len(accepted - found.ids), len(found.ids - accepted), len(found.ids) - found.events
    return Point(place, times, len(accepted), lost, untold, twice, found.duplicates)
