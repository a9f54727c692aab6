"""The fleet for a person: a table that is drawn anew, or drawn once where there is no terminal; for a program, a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tools.fleet.units import age
from tools.watch.inbox import printable

Report = Sequence[Mapping[str, Any]]
COLUMNS = ("unit", "", "version", "fps", "drops", "waiting", "°C", "last read", "missing", "agree", "known", "px", "look at")


class Screen(Protocol):
    """Where a report goes."""

    def show(self, report: Report, state: str) -> None: ...

    def close(self) -> None: ...


class JsonLines:
    """A line for all units."""

    def show(self, report: Report, state: str) -> None:
        print(json.dumps({"broker": state, "units": report}, ensure_ascii=False, allow_nan=False), flush=True)

    def close(self) -> None:
        """Nothing to give back."""


class Tables:
    """Live on a terminal, one below the other elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, screen=False) if console.is_terminal else None
        if self._live is not None:
            self._live.start()

    def show(self, report: Report, state: str) -> None:
        if self._live is not None:
            self._live.update(table(report, state), refresh=True)
        else:
            self._console.print(table(report, state))

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()


def table(report: Report, state: str) -> Table:
    """A row a unit; of several cameras the worst is shown."""
    drawn = Table(title=Text(f"{len(report)} units on {state}"), box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(COLUMNS):
        drawn.add_column(name, no_wrap=number == 0)
    for unit in report:
        alarmed = bool(unit["alarms"])
        drawn.add_row(*(Text(printable(cell)) for cell in row(unit)), style="bold red" if alarmed else "dim" if not unit["online"] else "")
    return drawn


def row(unit: Mapping[str, Any]) -> tuple[str, ...]:
    """A unit's values for COLUMNS."""
    quality = [camera["quality"] for camera in unit["cameras"].values() if camera["quality"]["vehicles"]]

    def worst(name: str, style: str) -> str:
        return format(min(each[name] for each in quality), style) if quality else "-"

    return (
        unit["device"],
        {True: "on", False: "AWAY", None: "?"}[unit["online"]],
        _text(unit["version"]),
        _text(unit["fps"], ".1f"),
        str(unit["drops"]),
        _text(unit["backlog"]),
        _text(unit["temperature_c"], ".0f"),
        age(unit["last_read_utc"]),
        str(unit["missing"]),
        worst("agreement", ".0%"),
        worst("matching", ".0%"),
        worst("height_px", ".0f"),
        "; ".join(unit["alarms"]) or "-",
    )


def _text(value: Any, style: str = "") -> str:
    return "-" if value is None else format(value, style)
