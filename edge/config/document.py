"""A YAML file as plain data and as the line where each of its keys stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from alpr import document
from edge.config.problem import ConfigError, Key, Problem


@dataclass(frozen=True, slots=True)
class Document:
    """A mapping read from YAML, with a line for every key of it."""

    path: Path
    data: dict[str, Any]
    lines: dict[Key, int]
    problems: tuple[Problem, ...]  # keys given twice: YAML itself would keep the last without a word

    def line(self, key: Key) -> int:
        """The line of a key, or of what holds it where the key itself is not in the file; 0 for what no file says."""
        return next(self.lines[key[:end]] for end in range(len(key), -1, -1) if key[:end] in self.lines)


def read(path: Path, text: str | None = None) -> Document:
    """Read a YAML file that holds a mapping, or a text that is to stand in it.

    Raises ConfigError, with line and column where it is not YAML.
    """
    try:
        return _parse(path, path.read_text(encoding="utf-8") if text is None else text)
    except OSError as error:
        raise ConfigError(path, [Problem(0, "", f"cannot be read ({error.strerror})")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(path, [Problem(0, "", f"is not UTF-8 text (byte {error.start})")]) from error
    except yaml.YAMLError as error:
        raise ConfigError(path, [_syntax(error)]) from error


def _parse(path: Path, text: str) -> Document:
    node = document.parse(text)
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1 if node else 0
        raise ConfigError(path, [Problem(line, "", "holds no settings, expected `key: value` lines as in the shipped config.yaml")])
    keys = list(_keys(node, ()))
    return Document(path, document.plain(node), {(): 0, **dict(keys)}, tuple(_twice(keys)))


def _keys(node: yaml.Node, above: Key) -> Iterator[tuple[Key, int]]:
    """Every key below a node with its line, in the file's order."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*above, index), item.start_mark.line + 1
            yield from _keys(item, (*above, index))
    elif isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield (*above, name.value), name.start_mark.line + 1
            yield from _keys(value, (*above, name.value))


def _twice(keys: list[tuple[Key, int]]) -> Iterator[Problem]:
    first: dict[Key, int] = {}
    for key, line in keys:
        if key in first and not isinstance(key[-1], int):
            yield Problem.at(line, key, f"is given twice, first in line {first[key]}: keep one")
        first.setdefault(key, line)


def _syntax(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    why = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    said = why if isinstance(error, document.DocumentError) else f"is not YAML: {why}"
    return Problem(mark.line + 1, "", f"column {mark.column + 1}: {said}") if mark else Problem(0, "", said)
