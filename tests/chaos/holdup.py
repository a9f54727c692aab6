"""Events that nobody will have, a broker that says nothing, an outbox that is full: how long does what comes after them wait?"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.mqtt import MqttConfig, Publisher
from edge.outbox import Outbox, OutboxLimits
from tests.chaos.listener import Listener
from tests.chaos.proxy import Proxy
from tests.edge.mqtt.mosquitto import Mosquitto, free_port
from tests.edge.plates import IDENTITY, plate_event

LONGEST_S = 30.0
HUGE = {f"stage-{number}": 1.0 for number in range(2000)}
RATE = 20.0


@dataclass(frozen=True)
class Scene:
    """What is wrong: settings of the broker and of the unit, and what makes an event a bad one."""

    broker: tuple[str, ...] = ()
    mqtt: tuple[tuple[str, Any], ...] = ()
    bad: tuple[tuple[str, Any], ...] = (("camera", "yard"),)
    swallows: bytes = b""  # publications whose PUBACK is lost
    silent_s: float = 0.0  # that no PUBACK comes at all, at the beginning
    consumer: bool = False


SCENES: dict[str, Scene] = {
    "too large for the broker, MQTT 5": Scene(("max_packet_size 8000",), bad=(("latency_ms", HUGE),)),
    "too large for the broker, MQTT 3.1.1": Scene(("max_packet_size 8000",), (("version", "3.1.1"),), (("latency_ms", HUGE),)),
    "forbidden by the broker": Scene(("acl_file {folder}/acl",)),
    "never acknowledged by the broker": Scene(mqtt=(("ack_timeout_s", 2.0),), swallows=b"/yard/plate"),
    "never acknowledged by the consumer": Scene(mqtt=(("consumer_ack", True), ("consumer_ack_s", 5.0)), consumer=True),
    "no acknowledgement at all, then again": Scene(bad=(), silent_s=15.0),
    "quota": Scene(bad=()),
}


@dataclass(frozen=True)
class Holdup:
    """How long good events waited."""

    what: str
    good: int
    bad: int
    lost: int  # good ones that never came, and that no counter confesses
    longest_wait_s: float
    dead_letters: int
    expired: int
    still_waiting: int

    @property
    def passed(self) -> bool:
        return not self.lost and self.longest_wait_s < LONGEST_S and self.dead_letters + self.still_waiting == self.bad


def run(folder: Path, name: str, seconds: float) -> Holdup:
    scene = SCENES[name]
    if name == "quota":
        return quota(folder, seconds)
    (folder / "acl").write_text("topic read #\ntopic write kerbside/kerb-01/availability\ntopic write kerbside/kerb-01/gate/plate\n")
    with ExitStack() as stack:
        settings = tuple(setting.format(folder=folder) for setting in scene.broker)
        broker = Mosquitto(folder / "broker", *settings, port=free_port()).start()
        stack.callback(broker.stop)
        healed_s = time.monotonic() + min(scene.silent_s, seconds / 2)
        port = broker.port
        if scene.swallows or scene.silent_s:
            proxy = stack.enter_context(closing(Proxy(broker.port, swallowing(scene, healed_s))))
            port = proxy.port
        listener = stack.enter_context(closing(Listener(broker.port, lambda event: scene.consumer and event["camera"] != "yard")))
        outbox = stack.enter_context(closing(Outbox(folder / "outbox.db", IDENTITY, OutboxLimits(most_refusals=3))))
        config = MqttConfig(**{"port": port, "retry_first_s": 0.5, "retry_most_s": 5.0, "ack_timeout_s": 5.0, **dict(scene.mqtt)})
        publisher = stack.enter_context(closing(Publisher(config, outbox, IDENTITY)))
        publisher.start()
        accepted_s, bad = load(outbox, dict(scene.bad), seconds)
        hear_out(listener, accepted_s, lambda: outbox.state.backlog <= bad)
        publisher.check()
        longest_s = longest_wait_s(listener, accepted_s, healed_s if scene.silent_s else 0)
        lost, state = len(accepted_s.keys() - listener.first_s.keys()), outbox.state
    return Holdup(name, len(accepted_s), bad, lost, longest_s, state.dead_letters, state.expired, state.backlog)


def load(outbox: Outbox, change: dict[str, Any], seconds: float) -> tuple[dict[str, float], int]:
    """Accept good events, with a bad one among every forty, for so long → when each good one was accepted, and how many bad there were."""
    accepted_s, bad = dict[str, float](), 0
    for number in range(int(seconds * RATE)):
        if change and number % 40 == 5:
            outbox.accept(plate_event(track=10**6 + number, **change))
            bad += 1
        accepted_s[outbox.accept(plate_event(track=number))] = time.monotonic()
        time.sleep(1 / RATE)
    return accepted_s, bad


def hear_out(listener: Listener, accepted_s: dict[str, float], settled: Callable[[], bool]) -> None:
    """Until the good ones are there and done, or twice the longest wait is over: what is then missing is lost."""
    deadline = time.monotonic() + 2 * LONGEST_S
    while time.monotonic() < deadline and not (accepted_s.keys() <= listener.first_s.keys() and settled()):
        time.sleep(0.05)


def longest_wait_s(listener: Listener, accepted_s: dict[str, float], counted_from_s: float = 0.0) -> float:
    waits = [listener.first_s[each] - max(since, counted_from_s) for each, since in accepted_s.items() if each in listener.first_s]
    return round(max(waits), 2)


def swallowing(scene: Scene, healed_s: float) -> Callable[[bytes], bool]:
    if scene.silent_s:
        return lambda body: time.monotonic() < healed_s
    return lambda body: scene.swallows in body[:200]


def quota(folder: Path, seconds: float) -> Holdup:
    """No broker until the outbox has given up its oldest events; the newest are there, and what is missing is counted."""
    with ExitStack() as stack:
        broker = Mosquitto(folder / "broker", port=free_port())
        outbox = stack.enter_context(closing(Outbox(folder / "outbox.db", IDENTITY, OutboxLimits(size_mb=1))))
        publisher = stack.enter_context(closing(Publisher(MqttConfig(port=broker.port, retry_most_s=2.0), outbox, IDENTITY)))
        publisher.start()
        accepted = [outbox.accept(plate_event(track=track)) for track in range(500)]
        expired = outbox.state.expired_by_size
        stack.callback(broker.stop)
        broker.start()
        listener = stack.enter_context(closing(Listener(broker.port)))
        accepted_s, _ = load(outbox, {}, min(seconds, 5))
        hear_out(listener, accepted_s, lambda: outbox.state.backlog == 0)
        longest_s = longest_wait_s(listener, accepted_s)
        missing, state = len({*accepted, *accepted_s} - listener.first_s.keys()), outbox.state
    unconfessed = abs(missing - state.expired_by_size)
    assert expired, "the quota was never reached"
    return Holdup("quota", len(accepted) + len(accepted_s), 0, unconfessed, longest_s, state.dead_letters, state.expired, state.backlog)
