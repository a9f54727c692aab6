"""What brings a unit to the places at which it is to die: settings, what comes before, and what is done to it until it is dead."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.outbox.door import DoorError, ask
from tests.chaos.rig import Units, Watcher
from tests.edge.mqtt.mosquitto import Mosquitto
from tests.edge.waiting import until

FEW, MANY = 60, 500
EVER: Mapping[str, Any] = {"do": "replay", "since_utc_s": 0.0, "until_utc_s": 4e9}
BUT_ONE_CAMERA = """\
topic read #
topic write kerbside/kerb-01/availability
topic write kerbside/kerb-01/status
topic write kerbside/kerb-01/ack
topic write kerbside/kerb-01/gate/plate
"""


@dataclass
class Stage:
    """The parts of one run."""

    folder: Path
    broker: Mosquitto
    units: Units
    watcher: Watcher | None = None

    @property
    def outbox(self) -> Path:
        return Path(self.units.settings.outbox)

    @property
    def rules(self) -> Path:
        """Who may publish what, for a broker that is told to heed it."""
        return self.folder / "acl"


Act = Callable[[Stage], None]


def nothing(stage: Stage) -> None:
    time.sleep(0.05)


@dataclass(frozen=True)
class Scene:
    """How a unit comes to die."""

    unit: Mapping[str, Any] = field(default_factory=dict)  # its settings
    broker: tuple[str, ...] = ()
    watcher: tuple[str, ...] = ()
    heard: bool = True  # somebody watches from the beginning, and not only in the end
    before: Act = nothing  # each of the runs in which it dies
    meanwhile: Act = nothing  # again and again until it is dead
    after: Act = nothing  # once it is to live


def deliver(stage: Stage) -> None:
    """A run that accepts events and has them taken."""
    _accept(stage, FEW)
    stage.units.drain(60)
    stage.units.kill()


def fill(stage: Stage) -> None:
    """A run that accepts more than the outbox holds, and has it taken if somebody watches."""
    _accept(stage, MANY, rate=2000.0)
    if stage.watcher is not None:
        stage.units.drain(60)
    stage.units.kill()


def spoil(stage: Stage) -> None:
    """Deliver what there is, then write rubbish over the database; the log, if any, goes with it."""
    deliver(stage)
    with stage.outbox.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 40_000)


def restart_broker(stage: Stage) -> None:
    stage.broker.stop(kill=True)
    stage.broker.start()
    time.sleep(1)


def replay(stage: Stage) -> None:
    _ask(stage, EVER)


def revive(stage: Stage) -> None:
    _ask(stage, {**EVER, "dead": True})


def forbid(stage: Stage) -> None:
    """All but one camera, whose events become dead letters."""
    stage.rules.write_text(BUT_ONE_CAMERA)
    restart_broker(stage)


def refuse(stage: Stage) -> None:
    """A run whose events of the other camera are dead."""
    forbid(stage)
    _accept(stage, FEW)
    until(lambda: stage.units.state().get("dead_letters"), "dead letters")
    stage.units.kill()


def permit(stage: Stage) -> None:
    """Everything may be published, and what is dead is sent again."""
    stage.rules.write_text("topic readwrite #\n")
    restart_broker(stage)
    until(lambda: stage.units.state().get("backlog") == 0, "all the others gone", 60)
    revive(stage)


def _accept(stage: Stage, count: int, **changes: Any) -> None:
    units, before = stage.units, len(stage.units.accepted) + stage.units.rejected
    units.start(events=count, **changes)
    until(lambda: len(units.accepted) + units.rejected >= before + count, f"{count} events accepted", 60)


def _ask(stage: Stage, request: Mapping[str, Any]) -> None:
    time.sleep(0.2)
    try:
        ask(stage.outbox, request, timeout_s=5)
    except (OSError, DoorError):  # it has just died
        return


BROKER: Mapping[str, Any] = {"consumer_ack": False}
REFUSED: Mapping[str, Any] = {"yard_every": 10, "most_refusals": 1}
ACL, SILENT = ("acl_file {folder}/acl",), ("--no-ack",)

SCENES: dict[str, Scene] = {
    "delivering": Scene(),
    "nobody listens": Scene(heard=False),
    "settling": Scene({**BROKER, "settle_s": 0.2}, watcher=SILENT),
    "recalling": Scene(BROKER, watcher=SILENT, before=deliver, meanwhile=restart_broker),
    "recalling, and told": Scene(BROKER, before=deliver, meanwhile=restart_broker),
    "replaying": Scene(before=deliver, meanwhile=replay),
    "refused": Scene(REFUSED, ACL, before=forbid, after=permit),
    "reviving": Scene(REFUSED, ACL, before=refuse, meanwhile=revive, after=permit),
    "damaged": Scene(before=spoil),
    "full of delivered events": Scene({"size_mb": 1}, before=fill),
    "full": Scene({"size_mb": 1}, heard=False, before=fill),
}
