"""What a unit has about it when it runs as a service: the keeper, the health page, the commands."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import numpy as np

from edge import status
from edge.commands import Desk, Listener
from edge.commands.acts import acts_of
from edge.health import Metrics, Page, healthz
from edge.health.page import Health
from edge.keeper import Keeper
from edge.notify import Manager
from edge.reload import Reloader
from edge.unit import Unit


class Service:
    """Open as a context; `look` from the main thread, several times a second."""

    def __init__(self, unit: Unit, manager: Manager, reloader: Reloader, reload: threading.Event) -> None:
        """Raises AuditError where commands are allowed and cannot be written down."""
        self._unit = unit
        self._keeper = Keeper(unit, manager, reloader, reload)
        self._listener = self._listening(reloader) if unit.config.commands.allow else None
        health = unit.config.health
        metrics = Metrics(lambda: status.describe(unit), lambda: {"capture": unit.capture, **unit.pipeline.timings})
        self._page = Page(health.host, health.port, metrics.text, self._health) if health.port else None
        self._open = ExitStack()

    def __enter__(self) -> Service:
        for part in (self._page, self._listener):
            if part is not None:
                self._open.callback(part.start().close)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def look(self) -> None:
        """Raises HangError, and RuntimeError for a thread that failed."""
        self._keeper.look()
        if self._listener is not None:
            self._listener.check()

    def _listening(self, reloader: Reloader) -> Listener:
        unit, config = self._unit, self._unit.config
        desk = Desk(config.commands.allow, acts_of(unit, reloader), unit.audit.open())
        return Listener(config.mqtt, config.device.id, desk, np.random.default_rng())

    def _health(self) -> Health:
        return healthz(status.describe(self._unit), self._keeper.stuck)
