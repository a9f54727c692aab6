"""kill -9 for broker, unit and consumer in turn, while events are accepted: is any lost or under two ids, and how many come twice?"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.chaos.rig import Units, Watcher, hear_out
from tests.chaos.unit import Settings
from tests.edge.mqtt.mosquitto import Mosquitto, free_port
from tests.edge.waiting import until


@dataclass(frozen=True)
class Plan:
    """How many events, how many kills, and who says that an event is done."""

    events: int
    broker_kills: int = 0
    unit_kills: int = 0
    consumer_kills: int = 0
    rate: float = 250
    consumer_ack: bool = True
    silent: bool = False  # the consumer tells the unit nothing


@dataclass(frozen=True)
class Kills:
    """What became of the events."""

    done_when: str
    consumer: str  # whether it tells the unit what it has
    seed: int
    accepted: int
    broker_kills: int
    unit_kills: int
    consumer_kills: int
    lost: int  # accepted, and the consumer does not have them
    untold: int  # the consumer has them, and the unit died before it could say that it had accepted them
    under_two_ids: int
    raw_duplicates: int
    raw_percent: float
    seconds: float

    @property
    def passed(self) -> bool:
        """A silent consumer is sent again whatever it might not have: how much that is, it is told, not judged."""
        return not (self.lost or self.under_two_ids) and (self.raw_percent <= 5 or self.consumer == "silent")


def run(folder: Path, seed: int, plan: Plan) -> Kills:
    """mosquitto keeps no state. The kills are spread over the events at random."""
    rng, began = np.random.default_rng(seed), time.monotonic()
    victims = rng.permutation(["broker"] * plan.broker_kills + ["unit"] * plan.unit_kills + ["consumer"] * plan.consumer_kills)
    moments = np.sort(rng.uniform(0.02, 0.98, len(victims))) * plan.events
    watched = folder / "watched.db"
    with ExitStack() as stack:
        broker = Mosquitto(folder / "broker", "max_queued_messages 100000", port=free_port()).start()
        stack.callback(broker.stop)
        watcher = Watcher(broker.port, watched, *(["--no-ack"] if plan.silent else []))
        stack.callback(watcher.end)
        units = Units(Settings(broker.port, str(folder / "outbox.db"), rate=plan.rate, consumer_ack=plan.consumer_ack))
        stack.callback(units.kill)
        units.start()
        strike: dict[str, Callable[[], object]] = {
            "broker": lambda: restart(broker, rng.uniform(0, 0.5)),
            "unit": units.strike,
            "consumer": watcher.strike,
        }
        for victim, moment in zip(victims, moments, strict=True):
            reach(units, int(moment))
            strike[str(victim)]()
        reach(units, plan.events)
        units.strike(events=0)  # what it still has must go
        until(lambda: units.state().get("backlog") == 0, "an empty outbox", 120)
        found = hear_out(watched, units.accepted)
    lost, untold = set(units.accepted) - found.ids, found.ids - set(units.accepted)
    percent = round(100 * found.duplicates / len(units.accepted), 2)
    took_s = round(time.monotonic() - began, 1)
    words = ("consumer" if plan.consumer_ack else "broker", "silent" if plan.silent else "tells")
    counts = (len(units.accepted), plan.broker_kills, plan.unit_kills, plan.consumer_kills)
    return Kills(*words, seed, *counts, len(lost), len(untold), len(found.ids) - found.events, found.duplicates, percent, took_s)


def reach(units: Units, accepted: int) -> None:
    until(lambda: len(units.accepted) >= accepted or not units.alive, f"{accepted} events accepted", 120)
    assert units.alive, units.log()[-2000:]


def restart(broker: Mosquitto, away_s: float) -> None:
    broker.stop(kill=True)
    time.sleep(away_s)
    broker.start()
