"""What befalls a unit in a bad week, at random and one thing at a time: broker, consumer, camera, disk, config."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from tests.chaos.consumer import Consumer
from tests.chaos.daemon import Daemon
from tests.chaos.disk import Disk
from tests.chaos.source import KINDS, Source
from tests.edge.mqtt.mosquitto import Mosquitto

GOOD = ({"early_reads": 2}, {"early_reads": 3})
NONSENSE = {"early_reads": "many"}


@dataclass
class Scene:
    """Who may suffer."""

    daemon: Daemon
    broker: Mosquitto
    consumer: Consumer
    source: Source
    disk: Disk | None  # None where there is no compiler for the layer that fails
    happened: list[tuple[float, str]] = field(default_factory=list)  # when (monotonic), and what


def faults(scene: Scene, rng: np.random.Generator) -> dict[str, Callable[[], None]]:
    """By name; each is over and mended when it returns."""

    def wait(most_s: float) -> None:
        time.sleep(rng.uniform(0, most_s))

    def broker(kill: bool) -> None:
        scene.broker.stop(kill)
        wait(6)
        scene.broker.start()

    def silence() -> None:
        scene.broker.freeze(True)
        wait(8)
        scene.broker.freeze(False)

    def consumer() -> None:
        scene.consumer.kill()
        wait(6)
        scene.consumer.start()

    def camera() -> None:
        scene.source.suffer(str(rng.choice(KINDS)))
        wait(8)
        scene.source.mend()

    def reload(events: dict[str, object]) -> None:
        sound = scene.daemon.config
        scene.daemon.write({**sound, "events": events})
        scene.daemon.reload()
        time.sleep(2)  # it reads the file within a fifth of a second
        scene.daemon.write(sound if events is NONSENSE else {**sound, "events": events})

    def disk() -> None:
        assert scene.disk is not None
        scene.disk.fail(str(rng.choice(("ENOSPC", "EIO", "EROFS"))))
        wait(4)
        scene.disk.fail("")

    found: dict[str, Callable[[], None]] = {
        "broker killed": lambda: broker(True),
        "broker stopped": lambda: broker(False),
        "broker silent": silence,
        "consumer killed": consumer,
        "camera": camera,
        "good reload": lambda: reload(dict(GOOD[int(rng.integers(2))])),
        "bad reload": lambda: reload(NONSENSE),
    }
    return found | ({"disk": disk} if scene.disk is not None else {})


@contextmanager
def mischief(scene: Scene, rng: np.random.Generator, every_s: float) -> Iterator[Future[None]]:
    """Faults in a thread of their own, `every_s` apart on the average, until the context is left; all is mended then."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_misbehave, scene, rng, every_s, stop)
        try:
            yield running
        finally:
            stop.set()
    running.result()


def _misbehave(scene: Scene, rng: np.random.Generator, every_s: float, stop: threading.Event) -> None:
    possible, left = faults(scene, rng), list[str]()
    while not stop.wait(rng.exponential(every_s)):
        left = left or list(map(str, rng.permutation(list(possible))))  # each once before any comes twice
        name = left.pop()
        scene.happened.append((time.monotonic(), name))
        possible[name]()
