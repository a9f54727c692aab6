"""What is wrong with a config, in words for the operator who mends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

Key = tuple[str | int, ...]
"""Where a value stands: ("cameras", 0, "source")."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend."""

    line: int  # 0 where no line of the file says it
    key: str  # cameras[0].source, or "" for the whole file
    text: str

    @classmethod
    def at(cls, line: int, key: Key, text: str) -> Problem:
        return cls(line, spelled(key), text)

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.key} {self.text}" if self.key else f"{place}{self.text}"


class ConfigError(ValueError):
    """A config that cannot be run; the message names every problem with line, key, value and what is allowed."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n  ".join([f"{path}: {count}", *map(str, self.problems)]))


def spelled(key: Key) -> str:
    """("cameras", 0, "source") → cameras[0].source"""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")
