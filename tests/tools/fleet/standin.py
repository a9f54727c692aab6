"""A unit without cameras: its real outbox and publisher, a status that the test gives, and events as it is told to accept them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.events import Identity
from edge.mqtt import MqttConfig, Publisher
from edge.outbox import Outbox
from tests.edge.plates import plate_event, vote
from tests.edge.waiting import until

GATE: dict[str, Any] = {"source": "rtsp://192.0.2.1/a", "phase": "streaming", "error": "", "fps": 24.9, "frames": 1500, "reconnects": 0}
GATE["drops"] = {"overtaken": 7}
STATUS: dict[str, Any] = {
    "version": "0.2.0",
    "site": "",
    "models": {"reader": "reader 0.2.0"},
    "up_s": 60.0,
    "fps": 24.0,
    "counts": {"frames": 1440},
    "vehicles": {"published": 3},
    "cameras": {"gate": GATE},
    "broker": {"connected": True, "problem": ""},
    "events": {"backlog": 0, "accepted": 3, "published": 3, "dead_letters": 0, "outbox": "ab", "trouble": "", "alarm": "", "lost": {}},
    "privacy": {"mode": "plain"},
    "governor": {"step": 0, "name": "everything"},
    "temperatures_c": {"cpu": 51.0, "gpu": 56.5, "broken": None},
    "memory_mb": 210.0,
}


class StandIn:
    """Online from its making until `close` or `vanish`."""

    def __init__(self, folder: Path, device: str, port: int, **status: Any) -> None:
        self.device = device
        identity = Identity(device, "", {"reader": "reader 0.2.0"})
        self.outbox = Outbox(folder / f"{device}.db", identity)
        self.status = {**STATUS, **status}
        config = MqttConfig(port=port, retry_first_s=0.1, retry_most_s=0.5, status_s=1.0, keep_unheard=False, settle_s=0)
        self.publisher = Publisher(config, self.outbox, identity, lambda: self.status)
        self.publisher.start()
        until(lambda: self.publisher.state.connected, f"{device}'s connection")

    def read(self, count: int, agreeing: int = 9, frames: int = 10, matches: bool = True, height_px: float = 25.0, **changes: Any) -> None:
        for number in range(count):
            region = replace(vote().region, matches=matches)
            said = replace(vote(), reads=frames, agreeing=agreeing, region=region)
            self.outbox.accept(plate_event(track=number, vote=said, height_px=height_px + number % 5, **changes))
        assert self.publisher.drain(60)

    def lose(self, count: int) -> None:
        """Events that nobody will ever hear: the broker has them, and their subscriber was not told."""
        self.publisher.close()
        for number in range(count):
            self.outbox.accept(plate_event(track=number))
        last = self.outbox.state.last_sequence
        self.outbox.acknowledge(range(last - count + 1, last + 1))
        until(lambda: self.outbox.state.backlog == 0, "that they are forgotten")

    def close(self) -> None:
        self.publisher.close()
        self.outbox.close()
