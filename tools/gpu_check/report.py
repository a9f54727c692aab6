"""What was checked: a line for each check as it ends, and a file of all of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Report:
    """Checks and speeds of one run, with its conditions."""

    conditions: dict[str, str]
    checks: list[dict[str, Any]] = field(default_factory=list)
    speeds: list[dict[str, Any]] = field(default_factory=list)

    def check(self, name: str, good: bool, **measured: Any) -> None:
        self.checks.append({"check": name, "good": good, **measured})
        print(f"{'ok  ' if good else 'FAIL'}  {name}  {'  '.join(f'{key} {value}' for key, value in measured.items())}", flush=True)

    def speed(self, **row: Any) -> None:
        self.speeds.append(row)

    @property
    def good(self) -> bool:
        return all(check["good"] for check in self.checks)

    def table(self) -> str:
        return table(self.speeds)

    def write(self, path: Path) -> None:
        """PATH.json with everything, PATH.csv with the speeds."""
        path.parent.mkdir(parents=True, exist_ok=True)
        everything = {"conditions": self.conditions, "checks": self.checks, "speeds": self.speeds}
        path.with_suffix(".json").write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
        if self.speeds:
            with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, [*self.conditions, *self.speeds[0]])
                writer.writeheader()
                writer.writerows({**self.conditions, **row} for row in self.speeds)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows of equal keys, aligned."""
    if not rows:
        return "no speeds"
    lines = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
