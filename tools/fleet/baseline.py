"""The vehicles that each camera is judged by: its first ones and its latest ones, in a small SQLite file or in memory."""

from __future__ import annotations

import sqlite3
from collections import deque
from dataclasses import astuple, dataclass, field
from pathlib import Path

from tools.fleet.quality import BASELINE, RECENT, Drift, Vehicle, drifts

TABLE = """
    CREATE TABLE IF NOT EXISTS vehicle (  -- the first 300 of a camera and the latest 100, counted from 1
        device TEXT NOT NULL, camera TEXT NOT NULL, number INTEGER NOT NULL,
        agreement REAL NOT NULL, matches INTEGER NOT NULL, height_px REAL NOT NULL,
        PRIMARY KEY (device, camera, number)
    ) WITHOUT ROWID;
"""
TOGETHER = 50
"""Vehicles stored in one transaction: those of the last few are lost with the process, and are no loss."""


class BaselineError(RuntimeError):
    """The file cannot be used; the message names it and says why."""


@dataclass(slots=True)
class Record:
    """One camera's vehicles."""

    first: list[Vehicle] = field(default_factory=list)
    latest: deque[Vehicle] = field(default_factory=lambda: deque(maxlen=RECENT))
    count: int = 0

    def add(self, vehicle: Vehicle) -> None:
        """The first ones are what it is judged by, and are not judged themselves."""
        self.count += 1
        if len(self.first) < BASELINE:
            self.first.append(vehicle)
        else:
            self.latest.append(vehicle)

    @property
    def shown(self) -> list[Vehicle]:
        """The vehicles that tell how it is now."""
        return list(self.latest) or self.first[-RECENT:]

    @property
    def drifts(self) -> list[Drift]:
        return list(drifts(self.first, list(self.latest)))


class Baselines:
    """All cameras' records. Raises BaselineError."""

    def __init__(self, file: Path | None = None) -> None:
        self._file, self._unstored = file, 0
        try:
            self._db = sqlite3.connect(file or ":memory:", timeout=5)
            self._db.executescript(TABLE)
            self._records = self._stored()
        except sqlite3.Error as error:
            raise BaselineError(f"{file}: {error}; expected a file of an earlier run, or a place for a new one") from error

    def of(self, device: str, camera: str) -> Record:
        return self._records.setdefault((device, camera), Record())

    def add(self, device: str, camera: str, vehicle: Vehicle) -> None:
        record = self.of(device, camera)
        record.add(vehicle)
        try:
            self._db.execute("INSERT OR REPLACE INTO vehicle VALUES (?, ?, ?, ?, ?, ?)", (device, camera, record.count, *astuple(vehicle)))
            gone = "DELETE FROM vehicle WHERE device = ? AND camera = ? AND number > ? AND number <= ?"
            self._db.execute(gone, (device, camera, BASELINE, record.count - RECENT))
            self._unstored += 1
            if self._unstored >= TOGETHER:
                self.store()
        except sqlite3.Error as error:
            raise BaselineError(f"{self._file}: {error}") from error

    def begin_anew(self, device: str, camera: str) -> bool:
        """Forget a camera, which was aimed anew → whether it was known."""
        known = self._records.pop((device, camera), None) is not None
        self._db.execute("DELETE FROM vehicle WHERE device = ? AND camera = ?", (device, camera))
        self.store()
        return known

    def store(self) -> None:
        self._db.commit()
        self._unstored = 0

    def close(self) -> None:
        self.store()
        self._db.close()

    def _stored(self) -> dict[tuple[str, str], Record]:
        found: dict[tuple[str, str], Record] = {}
        for device, camera, number, agreement, matches, height_px in self._db.execute(
            "SELECT * FROM vehicle ORDER BY device, camera, number"
        ):
            record = found.setdefault((device, camera), Record())
            record.add(Vehicle(agreement, bool(matches), height_px))
            record.count = number
        return found
