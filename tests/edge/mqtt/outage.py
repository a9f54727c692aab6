"""A broker that goes away under load and comes back: does every event arrive, and each id once?

`python -m tests.edge.mqtt.outage --seconds 60 --rate 50 [--version 3.1.1] [--keep-no-state]` runs mosquitto, a unit that accepts so many
events a second, and `tools.watch --sqlite`; stops the broker for so long, starts it again, waits for the rest, and counts.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from edge.mqtt import MqttConfig, Publisher
from edge.outbox import Outbox
from tests.edge.mqtt.mosquitto import Mosquitto, free_port
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until


@dataclass(frozen=True)
class Outage:
    """What became of the events."""

    accepted: int
    lost: int  # accepted and never seen by the watcher
    strange: int  # seen, and never accepted
    kept_twice: int
    backfilled: int
    drained_s: float  # from the broker's return to the last acknowledgement


class Load:
    """Accepts `rate` events a second until it is stopped."""

    def __init__(self, outbox: Outbox, rate: float) -> None:
        self.ids: list[str] = []
        self._outbox, self._rate, self._stop = outbox, rate, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.wait(1 / self._rate):
            self.ids.append(self._outbox.accept(plate_event(track=len(self.ids))))


def run(folder: Path, seconds: float, rate: float, version: str = "5", keeps: bool = True) -> Outage:
    """Load, an outage of so many seconds, a second of load more."""
    watched = folder / "watched.db"
    config = MqttConfig(port=free_port(), version=version, retry_first_s=0.2, retry_most_s=2)
    with ExitStack() as stack:
        # By default mosquitto queues 1,000 messages for a client that is away or slow, and drops those above, acknowledged or not.
        broker = Mosquitto(folder / "broker", "max_queued_messages 100000", keeps=keeps, port=config.port).start()
        stack.callback(broker.stop)
        stack.callback(end, watch(broker.port, watched, version))
        outbox = stack.enter_context(closing(Outbox(folder / "outbox.db", IDENTITY)))
        publisher = stack.enter_context(closing(Publisher(config, outbox, IDENTITY)))
        publisher.start()
        load = Load(outbox, rate)
        stack.callback(load.stop)
        until(lambda: seen(watched) >= rate, "events before the outage")
        broker.stop()
        time.sleep(seconds)  # the outage itself
        broker.start()
        returned = time.monotonic()
        until(lambda: publisher.state.connected, "the publisher's return")
        time.sleep(1)
        load.stop()
        until(lambda: publisher.drain(1), "all acknowledged", 60)
        drained_s = time.monotonic() - returned
        wait_for_the_last(watched, len(load.ids))
    publisher.check()
    return judge(watched, load.ids, drained_s)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(30)


def watch(port: int, file: Path, version: str, *options: str) -> subprocess.Popen[bytes]:
    """A watcher that has subscribed: what MQTT 3.1.1 publishes before that is nobody's, and no publisher is told."""
    command = [sys.executable, "-m", "tools.watch", "--port", str(port), "--mqtt", version, "--sqlite", str(file), "--json", *options]
    said = file.with_suffix(".err")
    with said.open("wb") as err:
        watcher = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err)
    try:
        until(lambda: watcher.poll() is not None or "watching" in said.read_text(), "the watcher", 60)
        assert watcher.poll() is None, said.read_text()
    except AssertionError:
        watcher.kill()
        raise
    return watcher


def seen(file: Path) -> int:
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10) as db:
        return int(db.execute("SELECT count(*) FROM event").fetchone()[0])


def wait_for_the_last(watched: Path, count: int, quiet_s: float = 20.0) -> None:
    """Until so many events are watched, or none has come for quiet_s: then the rest is lost, which `judge` will say."""
    found, since = -1, time.monotonic()
    while found < count and time.monotonic() - since < quiet_s:
        time.sleep(0.1)
        if (now := seen(watched)) > found:
            found, since = now, time.monotonic()


def judge(watched: Path, accepted: list[str], drained_s: float) -> Outage:
    with sqlite3.connect(watched) as db:
        kept = [row[0] for row in db.execute("SELECT id FROM event")]
        backfilled = db.execute("SELECT count(*) FROM event WHERE json_extract(body, '$.backfilled')").fetchone()[0]
    lost, strange = set(accepted) - set(kept), set(kept) - set(accepted)
    return Outage(len(accepted), len(lost), len(strange), len(kept) - len(set(kept)), backfilled, round(drained_s, 2))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--version", choices=("5", "3.1.1"), default="5")
    parser.add_argument("--keep-no-state", action="store_true", help="a broker that forgets everything when it stops")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outage = run(Path(folder), chosen.seconds, chosen.rate, chosen.version, not chosen.keep_no_state)
    print(outage)
    return 1 if outage.lost or outage.strange or outage.kept_twice else 0


if __name__ == "__main__":
    sys.exit(main())
