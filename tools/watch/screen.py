"""Three ways to show events: a live table on a terminal, a line each where there is none, JSON lines for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tools.watch.inbox import Inbox, printable

Event = dict[str, Any]

COLUMNS = ("time", "device", "camera", "plate", "sure", "region", "type", "direction", "reads", "px", "delay")
ROWS = 200
"""Vehicles kept; as many are shown as the terminal has lines."""


class Screen(Protocol):
    """Where events are shown."""

    def connection(self, state: str) -> None: ...
    def show(self, events: Sequence[Event], inbox: Inbox) -> None: ...
    def close(self) -> None: ...


class Lines:
    """A line an event on standard output, JSON or words; all else on standard error."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def connection(self, state: str) -> None:
        print(state, file=sys.stderr, flush=True)

    def show(self, events: Sequence[Event], inbox: Inbox) -> None:
        for complaint in inbox.complaints:
            print(f"invalid event: {complaint}", file=sys.stderr, flush=True)
        for event in events:
            print(json.dumps(event, ensure_ascii=False, separators=(",", ":")) if self._as_json else "  ".join(cells(event)))
        if events:
            sys.stdout.flush()

    def close(self) -> None:
        pass


class LiveTable:
    """A row a vehicle, the newest first: its final event takes the place of its early one."""

    def __init__(self, console: Console) -> None:
        self._vehicles: dict[str, Event] = {}
        self._state, self._counts, self._complaint = "connecting", "", ""
        self._console = console
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4, screen=False)
        self._live.start()

    def connection(self, state: str) -> None:
        self._state = state

    def show(self, events: Sequence[Event], inbox: Inbox) -> None:
        for event in events:
            self._vehicles.pop(event["vehicle"], None)
            self._vehicles[event["vehicle"]] = event
        for vehicle in list(self._vehicles)[:-ROWS]:
            del self._vehicles[vehicle]
        counts = inbox.counts
        missing = f", {inbox.missing()} missing" if inbox.missing() else ""
        self._counts = f"{counts.new} events, {counts.duplicates} duplicates dropped, {counts.invalid} invalid{missing}"
        self._complaint = f" (the last: {inbox.complaints[-1]})" if inbox.complaints else self._complaint

    def close(self) -> None:
        self._live.stop()

    def _render(self) -> Table:
        table = Table(*COLUMNS, title=Text(self._state), caption=Text(self._counts + self._complaint), expand=True)
        newest = list(self._vehicles.values())[::-1]
        for event in newest[: max(1, self._console.height - 8)]:
            table.add_row(*map(Text, cells(event)), style=style(event))
        return table


def screen(as_json: bool) -> Screen:
    """The one that fits: a table needs a terminal."""
    console = Console()
    return LiveTable(console) if console.is_terminal and not as_json else Lines(as_json)


def cells(event: Event) -> tuple[str, ...]:
    """An event's values for COLUMNS."""
    delay_ms = event["latency_ms"].get("capture_to_event")
    said = (
        _local(event["captured"]["utc"]),
        event["device"],
        event["camera"],
        event["region"]["display"] or event["plate"],
        f"{event['score']:.2f}",
        event["region"]["code"] or "-",
        event["type"] + (" late" if event["backfilled"] else ""),
        event["direction"],
        f"{event['read']['agreeing']}/{event['read']['frames_used']}",
        f"{event['height_px']:.0f}",
        "-" if delay_ms is None else f"{delay_ms:.0f} ms",
    )
    return tuple(map(printable, said))


def _local(utc: str) -> str:
    """The time of day here; in the first and the last year of the calendar there may be none."""
    try:
        return datetime.fromisoformat(utc.replace("Z", "+00:00")).astimezone().strftime("%H:%M:%S")
    except (OverflowError, ValueError):
        return utc[11:19]


def style(event: Event) -> str:
    """Sure reads stand out, doubtful ones step back."""
    if event["score"] < 0.5:
        return "dim"
    return "bold green" if event["score"] >= 0.9 and event["region"]["matches"] else ""
