"""Commands through a real broker to a real unit and back."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from alpr.types import Frame
from edge.config import load
from edge.notify import Manager
from edge.reload import Reloader
from edge.service import Service
from edge.unit import Unit
from tests.edge.commands.test_desk import command
from tests.edge.mqtt.conftest import ear
from tests.edge.mqtt.mosquitto import Ear, Mosquitto, needs_mosquitto
from tests.edge.plates import plate_event
from tests.edge.waiting import until

__all__ = ["ear"]
pytestmark = needs_mosquitto
TOPIC = "kerbside/unit-1"
ALL = ["status", "replay", "snapshot", "reload", "log_level"]


class Rig:
    """A unit with its service, a broker, and somebody who commands it."""

    def __init__(self, folder: Path, root: Path, clip: Path, broker: Mosquitto, hearing: Ear, allow: list[str]) -> None:
        self.path, self.ear = folder / "config.yaml", hearing
        models = {stage: {"model": str(root / f"models/{name}.yaml")} for stage, name in
                  (("detector", "detector"), ("enhancer", "lpsr"), ("reader", "reader"))}  # fmt: skip
        self.settings: dict[str, Any] = {
            "device": {"id": "unit-1"}, "cameras": [{"id": "road", "source": str(clip), "realtime": True}], **models,
            "mqtt": {"host": "127.0.0.1", "port": broker.port}, "health": {"port": 0}, "commands": {"allow": allow},
            "outbox": {"path": str(folder / "o.db")}, "audit": {"path": str(folder / "audit.jsonl")},
        }  # fmt: skip
        self.write()
        config = load(self.path)
        self.unit = Unit(config, np.random.default_rng(0), threading.Event())
        self.service = Service(self.unit, Manager({}), Reloader(self.unit, lambda: load(self.path)), threading.Event())
        self.unit.publisher.start()
        self.service.__enter__()

    def write(self, **changes: Any) -> None:
        self.path.write_text(yaml.safe_dump(self.settings | changes))

    def ask(self, do: str, retain: bool = False, **changes: Any) -> None:
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
        self.ear._client.publish(f"{TOPIC}/cmd", command(do, expires=expires, **changes), 1, retain)

    def answer(self, name: str) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            answers = [json.loads(each) for each in self.ear.payloads(f"{TOPIC}/cmd/result")]
            return next((each for each in answers if each["id"] == name), None)

        got = until(found, f"an answer to {name}")
        assert got is not None
        return got

    def close(self) -> None:
        self.service.__exit__()
        self.service.look()
        self.unit.close()


@pytest.fixture
def rig(
    tmp_path: Path, root: Path, clip: Path, mosquitto: Callable[..., Mosquitto], ear: Callable[..., Ear]
) -> Iterator[Callable[..., Rig]]:
    made: list[Rig] = []

    def start(allow: list[str] = ALL) -> Rig:
        broker = mosquitto()
        made.append(Rig(tmp_path, root, clip, broker, ear(broker.port), allow))
        if allow:
            until(lambda: made[-1].service._listener.problem == "", "the subscription")  # type: ignore[union-attr]
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_status_replay_and_snapshot(rig: Callable[..., Rig]) -> None:
    asking = rig()
    picture = np.full((90, 160, 3), 128, np.uint8)
    asking.unit._masked(Frame(picture, "road", 1, time.monotonic_ns(), time.time(), time.monotonic_ns()))
    asking.unit._accept(plate_event(camera="road"))
    asking.ear.wait_for(f"{TOPIC}/road/plate", 1)
    until(lambda: asking.unit.outbox.state.kept == 1, "the event is done")

    asking.ask("status", id="s")
    assert asking.answer("s")["result"]["events"]["accepted"] == 1

    window = {"since": "2026-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}
    asking.ask("replay", id="r", **{"with": window})
    assert asking.answer("r")["result"] == {"events": 1}
    again = until(lambda: asking.ear.payloads(f"{TOPIC}/road/plate")[1:], "the event once more")
    assert json.loads(again[0])["backfilled"] is True

    asking.ask("snapshot", id="p", **{"with": {"camera": "road"}})
    told = asking.answer("p")["result"]
    (jpeg,) = asking.ear.payloads(f"{TOPIC}/{told['topic']}")
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert len(jpeg) == told["bytes"] and shown is not None and shown.shape == (90, 160, 3)
    asking.ask("snapshot", id="q", **{"with": {"camera": "gone"}})
    assert asking.answer("q")["error"] == "camera is 'gone', expected one of road"


def test_reload_and_log_level(rig: Callable[..., Rig]) -> None:
    asking = rig()
    logger = logging.getLogger()
    before = logger.level
    try:
        asking.write(events={"early_score": 0.7, "final_score": 0.9})
        asking.ask("reload", id="bad")
        assert "events.early_score is 0.7, expected at least events.final_score, 0.9" in asking.answer("bad")["error"]
        asking.write(events={"early_score": 0.85}, stop_s=3)
        asking.ask("reload", id="good")
        assert asking.answer("good")["result"] == "in force: events, stop_s"
        assert asking.unit.loop.judge.rules.early_score == 0.85
        asking.ask("log_level", id="l", **{"with": {"level": "error"}})
        assert asking.answer("l")["ok"] and logger.level == logging.ERROR
    finally:
        logger.setLevel(before)


def test_a_retained_command_that_waits_for_the_unit_is_not_done(rig: Callable[..., Rig]) -> None:
    """Somebody's `mosquitto_pub -r` would otherwise be done again with every connection."""
    asking = rig()
    asking.ask("status", id="kept", retain=True)
    asking.answer("kept")
    asking.service._listener.close()  # type: ignore[union-attr]
    again = asking.service._listening(Reloader(asking.unit, lambda: load(asking.path)))
    again.start()
    try:
        until(lambda: again._desk.refused == 1, "the refusal of what the broker kept")
        assert again._desk.done == 0
    finally:
        again.close()


def test_commands_that_cannot_be_written_down_keep_the_unit_from_starting(rig: Callable[..., Rig], tmp_path: Path, root: Path) -> None:
    asking = rig(allow=[])
    (tmp_path / "dir").mkdir()
    outbox = {"path": str(tmp_path / "other.db")}
    asking.write(commands={"allow": ["status"]}, audit={"path": str(tmp_path / "dir")}, outbox=outbox)
    done = subprocess.run(
        [sys.executable, "-m", "edge", "--config", str(asking.path)], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 3 and "cannot start: audit.path" in done.stderr and "Traceback" not in done.stderr


def test_by_default_nobody_listens(rig: Callable[..., Rig]) -> None:
    asking = rig(allow=[])
    assert asking.service._listener is None
    asking.ask("status", id="s")
    asking.ear.wait_for(f"{TOPIC}/cmd", 1)
    asking.unit._accept(plate_event(camera="road"))
    asking.ear.wait_for(f"{TOPIC}/road/plate", 1)  # whatever came before it has been answered, if at all
    assert asking.ear.payloads(f"{TOPIC}/cmd/result") == []
