"""The config read anew under a running unit: all of it is good, or nothing of it is taken and the old one goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Final

from edge import logs
from edge.config import Config, ConfigError
from edge.lists import ListError
from edge.mqtt import MqttConfigError
from edge.privacy import PrivacyError
from edge.unit import Unit

log = logging.getLogger(__name__)

LIVE: Final = ("regions", "gate", "events", "zones", "lines", "roads", "lists", "privacy", "governor", "log", "stop_s")
"""The sections that a running unit takes up. The others are built into its threads, models and connections: they need a restart."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reload has done."""

    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()  # changed in the file, and not to be changed at run time
    refused: str = ""  # why nothing was taken

    def __str__(self) -> str:
        if self.refused:
            return f"refused, the old config goes on: {self.refused}"
        told = f"in force: {', '.join(self.changed)}" if self.changed else "nothing new that a running unit takes up"
        return f"{told}; only after a restart: {', '.join(self.restart)}" if self.restart else told


class Reloader:
    """Call it from any thread."""

    def __init__(self, unit: Unit, read: Callable[[], Config]) -> None:
        """`read` reads the config as at the start, command line included."""
        self.last = Outcome()
        self._unit, self._read = unit, read
        self._secrets = set(unit.config.secrets())
        self._lock = threading.Lock()

    def __call__(self) -> Outcome:
        with self._lock:
            try:
                self.last = self._adopt(self._read())
            except (ConfigError, MqttConfigError, PrivacyError, ListError) as error:
                self.last = Outcome(refused=str(error))
            log.log(logging.ERROR if self.last.refused else logging.WARNING, "reload: %s", self.last)
            return self.last

    def _adopt(self, read: Config) -> Outcome:
        old = self._unit.config
        changed = tuple(each.name for each in fields(Config) if getattr(read, each.name) != getattr(old, each.name))
        self._secrets |= set(read.secrets())  # the old ones may still be said by what goes on with them
        self._unit.adopt(replace(old, **{name: getattr(read, name) for name in LIVE}))
        if read.log != old.log:
            logs.configure(read.log.level, self._secrets)
        else:
            logs.conceal(self._secrets)
        return Outcome(tuple(name for name in changed if name in LIVE), tuple(name for name in changed if name not in LIVE))
