"""What a chaos run found, as a table on the terminal and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any


def table(results: Sequence[Any]) -> str:
    """Frozen dataclasses of one kind, a row each, as wide as their words."""
    rows = [asdict(result) for result in results]
    lines = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def write_csv(file: Path, results: Sequence[Any], conditions: str) -> None:
    """A first column says under which conditions it was measured."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, ["conditions", *asdict(results[0])])
        writer.writeheader()
        writer.writerows({"conditions": conditions, **asdict(result)} for result in results)
