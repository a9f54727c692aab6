"""A unit without its cameras, as its own process, so that it can be killed: `python -m tests.chaos.unit SETTINGS`, a `Settings` as JSON.

Prints the id of each event once it is accepted, and "rejected" for one that could not be; then, and after SIGUSR1, only publishes until
it is ended.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from edge.mqtt import MqttConfig, Publisher
from edge.outbox import Outbox, OutboxError, OutboxLimits
from edge.outbox.door import Door
from tests.chaos import crash
from tests.edge.plates import IDENTITY, plate_event


@dataclass(frozen=True)
class Settings:
    """What a unit is to do."""

    port: int
    outbox: str
    first: int = 0  # the number of its first event, which is its track: no event of one test has that of another
    events: int = 1_000_000_000
    rate: float = 200.0
    consumer_ack: bool = True
    settle_s: float = MqttConfig().settle_s
    size_mb: int = 512
    most_refusals: int = OutboxLimits().most_refusals
    yard_every: int = 0  # each so many events one is of another camera
    crash_at: str = ""  # one of crash.PLACES
    crash_times: int = 0


def main(settings: Settings) -> None:
    if settings.crash_at:
        crash.arm(settings.crash_at, settings.crash_times)
    outbox = Outbox(settings.outbox, IDENTITY, OutboxLimits(size_mb=settings.size_mb, most_refusals=settings.most_refusals, timeout_s=5.0))
    Door(outbox)  # open as long as the process lives
    done_when: dict[str, Any] = {"consumer_ack": settings.consumer_ack, "consumer_ack_s": 5.0, "settle_s": settings.settle_s}
    config = MqttConfig(port=settings.port, retry_first_s=0.2, retry_most_s=1.0, **done_when)
    publisher = Publisher(config, outbox, IDENTITY)
    publisher.start()
    enough = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: enough.set())
    due_s = time.monotonic()
    for number in range(settings.first, settings.first + settings.events):
        if enough.is_set():
            break
        try:
            yard = settings.yard_every and number % settings.yard_every == 0
            print(outbox.accept(plate_event(track=number, camera="yard" if yard else "gate")), flush=True)
        except OutboxError:
            print("rejected", flush=True)
        due_s = max(due_s + 1 / settings.rate, time.monotonic() - 0.1)
        time.sleep(max(0.0, due_s - time.monotonic()))
        outbox.check()
        publisher.check()
    while True:
        time.sleep(0.2)
        outbox.check()
        publisher.check()


if __name__ == "__main__":
    main(Settings(**json.loads(sys.argv[1])))
