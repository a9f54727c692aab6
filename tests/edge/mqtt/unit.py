"""A unit without its cameras: accepts events and publishes them, as its own process, so that it can be killed.

`python -m tests.edge.mqtt.unit PORT OUTBOX EVENTS RATE` accepts so many events, so many a second, prints each id once it is accepted,
then publishes until it is ended.
"""

from __future__ import annotations

import sys
import time

from edge.mqtt import MqttConfig, Publisher
from edge.outbox import Outbox
from tests.edge.plates import IDENTITY, plate_event


def main(port: str, path: str, events: str, rate: str) -> None:
    outbox = Outbox(path, IDENTITY)
    Publisher(MqttConfig(port=int(port), retry_first_s=0.2, retry_most_s=1), outbox, IDENTITY).start()
    for track in range(int(events)):
        print(outbox.accept(plate_event(track=track)), flush=True)
        time.sleep(1 / float(rate))
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
