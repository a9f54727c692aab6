"""What must hold when something ends without a word: the unit, or the broker under load."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.edge.mqtt import outage
from tests.edge.mqtt.mosquitto import Ear, Mosquitto, needs_mosquitto
from tests.edge.waiting import until

pytestmark = needs_mosquitto
AVAILABILITY = "kerbside/kerb-01/availability"

Brokers = Callable[..., Mosquitto]
Ears = Callable[..., Ear]


def unit(port: int, outbox: Path, events: int, rate: float = 1000) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.edge.mqtt.unit", str(port), str(outbox), str(events), str(rate)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_the_last_will_of_a_unit_that_was_killed(mosquitto: Brokers, ear: Ears, tmp_path: Path) -> None:
    broker = mosquitto()
    listener = ear(broker.port, AVAILABILITY)
    with unit(broker.port, tmp_path / "outbox.db", events=1) as process:
        until(lambda: listener.payloads(AVAILABILITY) == [b"online"], "the unit")
        process.kill()
    until(lambda: listener.payloads(AVAILABILITY) == [b"online", b"offline"], "its last will")
    late = ear(broker.port, AVAILABILITY)
    until(lambda: late.heard == [(AVAILABILITY, b"offline", True)], "the will, retained")


def test_a_unit_that_was_killed_while_publishing_sends_the_rest_when_it_is_back(mosquitto: Brokers, ear: Ears, tmp_path: Path) -> None:
    broker = mosquitto()
    listener = ear(broker.port, "kerbside/kerb-01/gate/plate")
    accepted: list[str] = []
    for _ in range(2):
        with unit(broker.port, tmp_path / "outbox.db", events=10_000) as process:
            assert process.stdout is not None
            accepted += [process.stdout.readline().strip() for _ in range(150)]
            process.kill()
            accepted += [line.strip() for line in process.stdout.readlines() if line.endswith("\n")]
    with unit(broker.port, tmp_path / "outbox.db", events=0) as process:
        until(lambda: set(accepted) <= {json.loads(payload)["id"] for _, payload, _ in list(listener.heard)}, "every accepted event")
        process.kill()
    vehicles = {json.loads(payload)["vehicle"] for _, payload, _ in listener.heard}
    assert len(vehicles) == len({json.loads(payload)["id"] for _, payload, _ in listener.heard})  # no vehicle of one run is one of another


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_every_event_arrives_once_though_the_broker_was_away_under_load(tmp_path: Path, version: str) -> None:
    """The short form of `python -m tests.edge.mqtt.outage`, which takes its full minute."""
    found = outage.run(tmp_path, seconds=2, rate=60, version=version)
    assert (found.lost, found.strange, found.kept_twice) == (0, 0, 0)
    assert found.accepted > found.backfilled > 0
