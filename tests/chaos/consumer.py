"""The consumer, `tools.watch --sqlite`, that may be killed and comes again, and what it has kept."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.edge.mqtt.outage import watch


class Consumer:
    """Keeps and acknowledges from the start on; the broker must be there for it."""

    def __init__(self, port: int, file: Path) -> None:
        self.file, self._port = file, port
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self._process = watch(self._port, self.file, "5")

    def kill(self) -> None:
        """kill -9; may be called again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


def bodies(database: Path) -> dict[str, dict[str, Any]]:
    """All events of a consumer's file, or of an outbox that keeps what is done: by id."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as db:
        events = [json.loads(body) for (body,) in db.execute("SELECT body FROM event ORDER BY rowid")]
    return {event["id"]: event for event in events}
