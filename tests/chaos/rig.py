"""The parts of a chaos run as processes of their own: units that are killed and come again, and what the consumer has in the end."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from edge.outbox.door import DoorError, ask
from tests.chaos.unit import Settings
from tests.edge.mqtt.outage import end, watch
from tests.edge.waiting import until

APART = 1_000_000
"""Numbers between the first events of two runs of one unit."""


class Units:
    """One unit in run after run on one outbox, and what it has said: ids of accepted events, and how many were rejected."""

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        self.settings, self.accepted, self.rejected, self.runs = settings, list[str](), 0, 0
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None

    def start(self, **changes: Any) -> None:
        settings = replace(self.settings, first=self.runs * APART, **changes)
        self.runs += 1
        command = [sys.executable, "-m", "tests.chaos.unit", json.dumps(asdict(settings))]
        with Path(self.settings.outbox).with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=self._environment)
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9; every line that it had printed counts."""
        if self._process is not None:
            self._process.kill()
            self.wait()

    def strike(self, **changes: Any) -> None:
        """kill -9, and a new run."""
        self.kill()
        self.start(**changes)

    def rest(self) -> None:
        """Have it accept no more."""
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR1)

    def freeze(self, frozen: bool) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def wait(self, timeout_s: float = 60.0) -> None:
        """Until it has ended by itself."""
        assert self._process is not None
        self._process.wait(timeout_s)
        self._listener.join(10)

    def state(self) -> dict[str, Any]:
        """The outbox's, or nothing while it does not answer."""
        try:
            return ask(Path(self.settings.outbox), {"do": "state"}, timeout_s=5)
        except (OSError, DoorError):
            return {}

    def drain(self, timeout_s: float) -> None:
        """Asks ten times a second: more would be work for the unit."""

        def empty() -> bool:
            time.sleep(0.1)
            return bool(self.state().get("backlog") == 0)

        until(empty, "an empty outbox", timeout_s)

    def log(self) -> str:
        return Path(self.settings.outbox).with_suffix(".log").read_text(encoding="utf-8")

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.endswith("\n"):  # killed in the middle of a word
                continue
            if line == "rejected\n":
                self.rejected += 1
            else:
                self.accepted.append(line.strip())


class Watcher:
    """`tools.watch --sqlite FILE`, the consumer: killed, and come again with what its file holds."""

    def __init__(self, port: int, file: Path, *options: str) -> None:
        self.file = file
        self._start = partial(watch, port, file, "5", *options)
        self._process = self._start()

    def strike(self) -> None:
        """kill -9, and a new one."""
        self._process.kill()
        self._process.wait(30)
        self._process = self._start()

    def end(self) -> None:
        end(self._process)


@dataclass(frozen=True)
class Arrived:
    """What a consumer's file holds."""

    ids: frozenset[str]
    events: int  # different ones, by their number
    duplicates: int  # deliveries of what it had already


def arrived(watched: Path) -> Arrived:
    with closing(sqlite3.connect(f"file:{watched}?mode=ro", uri=True, timeout=10)) as db:
        rows = db.execute("SELECT id, json_extract(body, '$.track') FROM event").fetchall()
        duplicates = db.execute("SELECT coalesce(sum(duplicates), 0) FROM source").fetchone()[0]
    return Arrived(frozenset(row[0] for row in rows), len({row[1] for row in rows}), duplicates)


def hear_out(watched: Path, accepted: list[str], quiet_s: float = 30.0) -> Arrived:
    """Until the consumer has them all, or has taken nothing for so long, not even what it had: then the rest is lost."""
    found, since = arrived(watched), time.monotonic()
    while not found.ids.issuperset(accepted) and time.monotonic() - since < quiet_s:
        time.sleep(0.2)
        before, found = found, arrived(watched)
        since = since if found == before else time.monotonic()
    return found
