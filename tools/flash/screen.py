"""The fleet on a terminal, live; a line a step elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from tools.flash.fleet import Result


class Screen:
    """Told by many threads; drawn by one."""

    def __init__(self, names: Sequence[str], console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._rows = dict.fromkeys(names, ("waits", ""))
        self._began_s: dict[str, float] = {}
        self._ended_s: dict[str, float] = {}
        self._console, self._clock = console, clock

    def step(self, name: str, step: str, detail: str) -> None:
        self._began_s.setdefault(name, self._clock())
        if not self._console.is_terminal and self._rows[name][0] != step:
            self._console.print(f"{name}: {step} {detail}".rstrip(), highlight=False, markup=False, soft_wrap=True)
        self._rows[name] = (step, detail)

    def end(self, result: Result) -> None:
        self._ended_s[result.name] = self._clock()
        self._rows[result.name] = ("done" if result.good else "failed" if result.touched else "left", result.text)
        if not self._console.is_terminal:
            word = self._rows[result.name][0]
            self._console.print(f"{result.name}: {word}: {result.text}", highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def live(self) -> Iterator[None]:
        if not self._console.is_terminal:
            yield
            return
        with Live(get_renderable=self.table, console=self._console, refresh_per_second=4):
            yield

    def table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for heading in ("unit", "step", "", "s"):
            table.add_column(heading, justify="right" if heading == "s" else "left", overflow="fold")
        colours = {"done": "green", "failed": "red", "left": "yellow", "waits": "dim"}
        for name, (step, detail) in self._rows.items():
            colour = colours.get(step, "cyan")
            table.add_row(name, f"[{colour}]{step}[/]", detail.replace("[", r"\["), self._seconds(name))
        return table

    def _seconds(self, name: str) -> str:
        if name not in self._began_s:
            return ""
        return f"{self._ended_s.get(name, self._clock()) - self._began_s[name]:.0f}"
