"""kill -9 for broker and unit in turn, while events are accepted: is any lost, does any come under two ids, how many come twice?"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.chaos.rig import Units, arrived
from tests.chaos.unit import Settings
from tests.edge.mqtt.mosquitto import Mosquitto, free_port
from tests.edge.mqtt.outage import end, wait_for_the_last, watch
from tests.edge.waiting import until


@dataclass(frozen=True)
class Kills:
    """What became of the events."""

    done_when: str
    seed: int
    accepted: int
    broker_kills: int
    unit_kills: int
    lost: int  # accepted, and the consumer does not have them
    untold: int  # the consumer has them, and the unit died before it could say that it had accepted them
    under_two_ids: int
    raw_duplicates: int
    raw_percent: float
    seconds: float

    @property
    def passed(self) -> bool:
        return not (self.lost or self.under_two_ids) and self.raw_percent <= 5


def run(folder: Path, seed: int, events: int, broker_kills: int, unit_kills: int, rate: float = 250, consumer_ack: bool = True) -> Kills:
    """mosquitto keeps no state. The kills are spread over the events at random."""
    rng, began = np.random.default_rng(seed), time.monotonic()
    victims = rng.permutation(["broker"] * broker_kills + ["unit"] * unit_kills)
    moments = np.sort(rng.uniform(0.02, 0.98, len(victims))) * events
    watched = folder / "watched.db"
    with ExitStack() as stack:
        broker = Mosquitto(folder / "broker", "max_queued_messages 100000", port=free_port()).start()
        stack.callback(broker.stop)
        stack.callback(end, watch(broker.port, watched, "5"))
        units = Units(Settings(broker.port, str(folder / "outbox.db"), rate=rate, consumer_ack=consumer_ack))
        stack.callback(units.kill)
        units.start()
        for victim, moment in zip(victims, moments, strict=True):
            reach(units, int(moment))
            strike(str(victim), broker, units, rng)
        reach(units, events)
        units.kill()
        units.start(events=0)  # what it still has must go
        until(lambda: units.state().get("backlog") == 0, "an empty outbox", 120)
        wait_for_the_last(watched, len(units.accepted), quiet_s=5)
        found = arrived(watched)
    lost, untold = set(units.accepted) - found.ids, found.ids - set(units.accepted)
    percent = round(100 * found.duplicates / len(units.accepted), 2)
    took_s = round(time.monotonic() - began, 1)
    kept, two_ids = len(units.accepted), len(found.ids) - found.events
    done_when = "consumer" if consumer_ack else "broker"
    return Kills(done_when, seed, kept, broker_kills, unit_kills, len(lost), len(untold), two_ids, found.duplicates, percent, took_s)


def reach(units: Units, accepted: int) -> None:
    until(lambda: len(units.accepted) >= accepted or not units.alive, f"{accepted} events accepted", 120)
    assert units.alive, units.log()[-2000:]


def strike(victim: str, broker: Mosquitto, units: Units, rng: np.random.Generator) -> None:
    if victim == "broker":
        broker.stop(kill=True)
        time.sleep(rng.uniform(0, 0.5))
        broker.start()
    else:
        units.kill()
        units.start()
