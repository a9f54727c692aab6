"""What the main thread does while the unit runs: asks every thread whether it comes round, and tells the service manager how it is."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from edge import sysfs
from edge.cameras import Camera
from edge.cameras.state import STREAMING
from edge.notify import Manager
from edge.pulse import Pulse, Vigil, Watched, never
from edge.reload import Reloader
from edge.unit import Unit

log = logging.getLogger(__name__)

GOVERN_S = 2.0
"""Between two looks at the temperatures."""
DISK_S = 5.0
"""How much longer than a stage the outbox may be at one commit: with the pause and the start, such a unit is back within 30 s too."""
DATABASE_S = 50.0
"""The same where it reads all of its database: after a failure of the disk, and to erase."""
WAITING_S = 2.0
"""The outbox comes round twice a second: while it has not for so long, who waits for it is not the one that hangs."""


class HangError(RuntimeError):
    """A thread has not come round in time, and no service manager is there to end the process."""


class Keeper:
    """`look` several times a second; a stuck thread ends the process, by the watchdog's bite or by HangError."""

    def __init__(self, unit: Unit, manager: Manager, reloader: Reloader, reload: threading.Event, root: Path = sysfs.ROOT) -> None:
        """`reload` is set by whoever wants the config read anew; `root` is where the kernel's own files lie."""
        self._unit, self._manager, self._reloader, self._reload, self._root = unit, manager, reloader, reload, root
        self._vigil = Vigil(watched(unit))
        self.stuck: list[str] = []
        self._given_up = False
        self._due_s = 0.0

    def look(self) -> None:
        self.stuck = self._vigil.stuck()
        if self.stuck:
            self._give_up(self.stuck)
        elif not self._given_up:
            self._manager.feed()
            self._manager.status(told(self._unit))
        if self._reload.is_set():
            self._read_anew()
        if time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + GOVERN_S
            self._govern()

    def _read_anew(self) -> None:
        self._reload.clear()
        self._manager.reloading()
        self._reloader()
        self._manager.ready()

    def _govern(self) -> None:
        if self._unit.governor.look(sysfs.read(self._root), time.monotonic()):
            self._unit.settle()

    def _give_up(self, stuck: Sequence[str]) -> None:
        """Say who is stuck and where, and feed the watchdog no more: a process with a stuck thread may not be able to end itself."""
        if self._given_up:
            return
        self._given_up = True
        said = f"stuck: {', '.join(stuck)}"
        log.critical("%s\n%s", said, stacks([name.rpartition(" (")[0] for name in stuck]))
        self._manager.status(said)
        if not self._manager.watchdog_s:
            raise HangError(said)
        self._manager.bite()


def watched(unit: Unit) -> list[Watched]:
    """All threads of a unit. That a camera gives no picture is the camera's own state, and ends with it being opened again; a broker that
    is away is the publisher's: only one that believes itself connected must come round. A disk that fails is the outbox's."""
    patience_s, outbox = unit.config.watchdog.stage_s, unit.outbox
    waits = partial(_is_late, outbox.pulse, WAITING_S)
    found = [Watched(name, pulse, patience_s, waits if name == "accept" else never) for name, pulse in unit.pipeline.pulses.items()]
    for spec in unit.config.cameras:
        camera, slowest_s = unit.cameras[spec.id], 1 / spec.fps if spec.fps else 0.0
        found.append(Watched(f"camera {spec.id}", unit.pulses[spec.id], patience_s + spec.stall_s + slowest_s, partial(_away, camera)))
    found.append(Watched("mqtt", unit.publisher.pulse, patience_s, lambda: not unit.publisher.state.connected or waits()))
    found.append(Watched("outbox", outbox.pulse, patience_s + DISK_S, lambda: bool(outbox.state.trouble) or unit.eraser.busy))
    found.append(Watched("outbox", outbox.pulse, patience_s + DATABASE_S))
    return found


def _is_late(pulse: Pulse, than_s: float) -> bool:
    return time.monotonic_ns() - pulse.at_ns > than_s * 1e9


def _away(camera: Camera) -> bool:
    return camera.state.phase != STREAMING


def told(unit: Unit) -> str:
    """The unit in a line: what it does, and which of the states that are no hang it is in."""
    states = [unit.cameras[spec.id].state for spec in unit.config.cameras]
    streaming = sum(state.phase == STREAMING for state in states)
    parts = [f"{streaming} of {len(states)} cameras"]
    parts += [f"no camera {state.id} ({state.phase})" for state in states if state.phase != STREAMING]
    parts += [] if unit.publisher.state.connected else ["no broker"]
    backlog = unit.outbox.state.backlog
    parts += [f"over {backlog // 100 * 100} events waiting"] if backlog >= 100 else []
    return ", ".join(parts)


def stacks(names: Sequence[str]) -> str:
    """Where threads are, innermost call last."""
    frames = sys._current_frames()
    chosen = [thread for thread in threading.enumerate() if thread.name in names and thread.ident in frames]
    return "\n".join(f"{each.name}:\n{''.join(traceback.format_stack(frames[each.ident or 0]))}" for each in chosen)
