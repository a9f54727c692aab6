"""A disk that is full, broken or read-only, while events are accepted and before: the unit lives, counts, and goes on by itself."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.rig import Units, arrived
from tests.chaos.unit import Settings
from tests.edge.mqtt.mosquitto import Mosquitto, free_port
from tests.edge.mqtt.outage import end, wait_for_the_last, watch
from tests.edge.waiting import until

FAULTS = ("ENOSPC", "EIO", "EROFS", "ENOSPC from the start", "EIO from the start", "EROFS from the start")
MOUNTED = "ENOSPC on a full tmpfs"
COMPILER = shutil.which("cc") or shutil.which("gcc")


@dataclass(frozen=True)
class Failure:
    """What a unit did on a failing disk."""

    fault: str
    seconds: float  # that it lasted
    alive: bool
    offered: int
    accepted: int
    rejected: int
    rescued: int  # said to be rejected, and stored after all
    lost: int
    counters_exact: bool
    recovered_s: float  # from the disk's return to the next accepted event
    drained_s: float  # … and to an empty outbox

    @property
    def passed(self) -> bool:
        return self.alive and not self.lost and self.counters_exact and self.rejected > 0 and self.recovered_s < 5


class Disk:
    """The folder `below` on a disk that fails when told to."""

    def __init__(self, folder: Path) -> None:
        assert COMPILER is not None, "no C compiler on this machine (apt-get install gcc)"
        self.below, self._now = folder / "disk", folder / "fault"
        self.below.mkdir(parents=True)
        library = folder / "faults.so"
        source = Path(__file__).with_name("faults.c")
        subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True, timeout=60)
        self.environment = {"LD_PRELOAD": str(library), "FAULT_BELOW": str(self.below), "FAULT_NOW": str(self._now)}
        self.fail("")

    def fail(self, fault: str) -> None:
        self._now.write_text(fault)

    def close(self) -> None:
        self.fail("")


class FullDisk:
    """A real one: a tmpfs of 12 MiB, which a file fills up when told to. Mounting it is root's privilege."""

    def __init__(self, folder: Path) -> None:
        self.below, self.environment = folder / "disk", dict[str, str]()
        self.below.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(self.below)], check=True, timeout=30)

    def fail(self, fault: str) -> None:
        filler = self.below / "filler"
        if not fault:
            filler.unlink(missing_ok=True)
            return
        with filler.open("ab", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    continue
            except OSError:  # full, as it was to be
                return

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.below)], check=True, timeout=30)


def may_mount() -> bool:
    """Root, and in a place where even root may."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            FullDisk(Path(folder)).close()
        except (OSError, subprocess.SubprocessError):
            return False
    return True


def run(folder: Path, fault: str, seconds: float, rate: float = 100) -> Failure:
    """Sound, failing and sound again, for so long each; or failing from the start."""
    name, at_start = fault.split()[0], "start" in fault
    watched = folder / "watched.db"
    with ExitStack() as stack:
        disk = stack.enter_context(closing(FullDisk(folder) if fault == MOUNTED else Disk(folder)))
        broker = Mosquitto(folder / "broker", "max_queued_messages 100000", port=free_port()).start()
        stack.callback(broker.stop)
        stack.callback(end, watch(broker.port, watched, "5"))
        units = Units(Settings(broker.port, str(disk.below / "outbox.db"), rate=rate), disk.environment)
        stack.callback(units.kill)
        disk.fail(name if at_start else "")
        units.start()
        if not at_start:
            until(lambda: len(units.accepted) >= rate * seconds / 2, "events before the failure")
        disk.fail(name)
        until(lambda: units.rejected or not units.alive, f"a first refusal\n{units.log()}")
        time.sleep(seconds)  # the failure itself
        before = len(units.accepted)
        disk.fail("")
        mended_s = time.monotonic()
        until(lambda: len(units.accepted) > before or not units.alive, "an event accepted again")
        recovered_s = time.monotonic() - mended_s
        alive = units.alive
        time.sleep(seconds / 2)
        state = quiet(units)
        drained_s = time.monotonic() - mended_s
        wait_for_the_last(watched, len(units.accepted), quiet_s=3)
        found = arrived(watched)
        units.kill()
    accepted, rejected = len(units.accepted), units.rejected
    told = (state["accepted"], state["rejected"], state["acknowledged"] + state["backlog"])
    exact = told[:2] == (accepted, rejected) and told[2] == accepted + state["rescued"] and len(found.ids) >= accepted
    lost = len(set(units.accepted) - found.ids)
    times = (round(recovered_s, 2), round(drained_s, 2))
    return Failure(fault, seconds, alive, accepted + rejected, accepted, rejected, state["rescued"], lost, exact, *times)


def quiet(units: Units) -> dict[str, int]:
    """The unit's counters, once it accepts no more and nothing is left to send."""
    units.rest()
    return until(lambda: (state := units.state()) and state["backlog"] == 0 and state, "an empty outbox", 20)
