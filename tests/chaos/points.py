"""A unit that dies at a labelled place, comes again, and goes on: what it had accepted arrives."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.crash import PLACES
from tests.chaos.rig import Units, Watcher, arrived, hear_out
from tests.chaos.scenes import SCENES, Scene, Stage
from tests.chaos.unit import Settings
from tests.edge.mqtt.mosquitto import Mosquitto
from tests.edge.waiting import until

ENDLESS = 10**9
"""Events of a run that is to die: it has something to do until then."""


@dataclass(frozen=True)
class Point:
    """One place, and what came of dying there."""

    died: str
    time: int
    done_when: str
    accepted: int
    lost: int  # that no counter confesses
    expired: int  # given up for want of room
    untold: int
    under_two_ids: int
    raw_duplicates: int

    @property
    def passed(self) -> bool:
        return not (self.lost or self.under_two_ids)


def run(folder: Path, place: str, times: int, events: int = 300) -> Point:
    """Die at the n-th time, then again at the first; then live, and deliver."""
    scene = SCENES[PLACES[place].scene]
    with ExitStack() as stack:
        stage = _set(folder, scene, events, stack)
        units = stage.units
        for each in (times, 1):
            scene.before(stage)
            units.start(crash_at=place, crash_times=each, events=ENDLESS)
            died = f"a death {place!r}, at the {each}th time"
            until(lambda: _is_dead_after(scene, stage), died, 60)
            units.wait()
        watcher = stage.watcher or _watch(stage, scene, stack)
        before = len(units.accepted) + units.rejected
        units.start()
        until(lambda: len(units.accepted) + units.rejected >= before + events, f"the last run's events\n{units.log()[-2000:]}", 60)
        scene.after(stage)
        units.drain(60)
        expired = units.state()["expired_by_size"]
        found = hear_out(watcher.file, units.accepted) if not expired else arrived(watcher.file)
        units.kill()
    accepted = set(units.accepted)
    missing, untold, twice = len(accepted - found.ids), len(found.ids - accepted), len(found.ids) - found.events
    done_when = "consumer" if units.settings.consumer_ack else "broker"
    return Point(place, times, done_when, len(accepted), max(0, missing - expired), expired, untold, twice, found.duplicates)


def _set(folder: Path, scene: Scene, events: int, stack: ExitStack) -> Stage:
    broker = Mosquitto(folder / "broker", "max_queued_messages 100000", *(each.format(folder=folder) for each in scene.broker))
    units = Units(Settings(broker.port, str(folder / "outbox.db"), events=events, rate=150, **scene.unit))
    stage = Stage(folder, broker, units)
    stage.rules.write_text("topic readwrite #\n")
    broker.start()
    stack.callback(broker.stop)
    stack.callback(units.kill)
    if scene.heard:
        stage.watcher = _watch(stage, scene, stack)
    return stage


def _watch(stage: Stage, scene: Scene, stack: ExitStack) -> Watcher:
    watcher = Watcher(stage.broker.port, stage.folder / "watched.db", *scene.watcher)
    stack.callback(watcher.end)
    return watcher


def _is_dead_after(scene: Scene, stage: Stage) -> bool:
    scene.meanwhile(stage)
    return not stage.units.alive
