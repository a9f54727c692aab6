"""A list in a YAML text replaced by another, in the text itself: every comment and every other line stays as its author wrote it.

The parsed nodes tell where things stand. The new text is read again and must say exactly what was wanted, or nothing is changed: so what
cannot be edited with certainty (an alias, a list in brackets with comments) is refused, with what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import SequenceMatcher
from itertools import pairwise, zip_longest
from typing import Any, Final

import yaml

from alpr import document

Item = Mapping[str, Any]
Lines = list[str]
STEP: Final = 2
"""Columns by which a new list stands in from its key."""


class EditError(ValueError):
    """A text that is not edited; the message says why, and what its author may do."""


def with_list(text: str, key: tuple[str, ...], items: Sequence[Item]) -> str:
    """The text with `items` as the list at a key of one or two levels, which is made where it is missing.

    Items that are there already keep their lines. Raises EditError.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").split("\n")
    root = _composed("\n".join(lines))
    section, name = (None, key[0]) if len(key) == 1 else key
    holder = root if section is None else _value(root, section)
    try:
        edited = "\n".join(_edited(lines, holder, section, name, items))
        wanted = _put(document.read(text) or {}, key, [dict(item) for item in items])
        if document.read(edited) != wanted:
            raise EditError("the edited text would say something else")
    except (EditError, yaml.YAMLError) as error:
        raise EditError(f"{'.'.join(key)} cannot be edited here: {error}; write it as a list with a line `- …` for each") from error
    return edited.replace("\n", newline)


def flow(item: Item) -> str:
    """An item on one line: {camera: road, name: lane, …}."""
    return yaml.safe_dump(dict(item), default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6).strip()


def _edited(lines: Lines, holder: yaml.Node | None, section: str | None, name: str, items: Sequence[Item]) -> Lines:
    if holder is None:
        return _appended(lines, section or name, _block(name, items, STEP) if section else _block(name, items, 0)[1:])
    if not isinstance(holder, yaml.MappingNode) or holder.flow_style:
        raise EditError("its section stands in brackets, or is empty")
    pair = next(((key, value) for key, value in holder.value if key.value == name), None)
    if pair is not None:
        return _replaced(lines, *pair, items)
    if section is None:
        return _appended(lines, name, _block(name, items, 0)[1:])
    first = holder.value[0][0].start_mark
    return [*lines[: first.line], *_block(name, items, first.column), *lines[first.line :]]


def _replaced(lines: Lines, key: yaml.ScalarNode, value: yaml.Node, items: Sequence[Item]) -> Lines:
    if value.start_mark.index < key.end_mark.index:
        raise EditError("it is an alias")
    if isinstance(value, yaml.SequenceNode) and not value.flow_style:
        return _block_replaced(lines, key, value, items)
    if value.start_mark.line != value.end_mark.line or value.start_mark.line != key.start_mark.line:
        raise EditError("it stands in brackets over several lines")
    line, column = key.start_mark.line, key.start_mark.column
    head = lines[line][: key.end_mark.column] + ":"
    tail = lines[line][max(value.end_mark.column, len(head)) :]
    if not items:
        return [*lines[:line], f"{head} []{_moved(tail, 3)}", *lines[line + 1 :]]
    first = head + _moved(tail, len(head) - max(value.end_mark.column, len(head)))
    return [*lines[:line], first, *_block("", items, column)[1:], *lines[line + 1 :]]


def _block_replaced(lines: Lines, key: yaml.ScalarNode, value: yaml.SequenceNode, items: Sequence[Item]) -> Lines:
    """Items that stay keep their lines, one that changes keeps the comment behind it, and nothing between items is touched."""
    spans = [(node.start_mark.line, _last_line(node) + 1) for node in value.value]
    if any(before[1] > after[0] for before, after in pairwise(spans)):
        raise EditError("two of its items stand on one line")
    dash = " " * value.start_mark.column + "- "
    old, new = [flow(document.plain(node)) for node in value.value], [flow(item) for item in items]
    behind = [lines[node.end_mark.line][node.end_mark.column :].rstrip() if _on_one_line(node) else "" for node in value.value]
    put, dropped = dict[int, Lines](), set[int]()
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            at = spans[i1][0] if i1 < len(spans) else spans[-1][1]
            put[at] = [dash + item + comment for item, comment in zip_longest(new[j1:j2], behind[i1:i2][: j2 - j1], fillvalue="")]
            dropped |= {number for start, end in spans[i1:i2] for number in range(start, end)}
    edited: Lines = []
    for number, line in enumerate(lines):
        edited += put.get(number, [])
        edited += [] if number in dropped else [line]
    edited += put.get(len(lines), [])
    if not items:
        head = lines[key.start_mark.line][: key.end_mark.column] + ":"
        edited[key.start_mark.line] = f"{head} []{_moved(lines[key.start_mark.line][len(head) :], 3)}"
    return edited


def _on_one_line(node: yaml.Node) -> bool:
    return bool(node.start_mark.line == node.end_mark.line)


def _last_line(node: yaml.Node) -> int:
    """The last line with something of a node on it; a block's own end is where the next thing begins, behind the comments."""
    if isinstance(node, yaml.ScalarNode) or getattr(node, "flow_style", False) or not node.value:
        return node.end_mark.line
    last = node.value[-1]
    return _last_line(last[1] if isinstance(last, tuple) else last)


def _block(name: str, items: Sequence[Item], column: int) -> Lines:
    """A key and its list, a line each."""
    if not items:
        return [f"{' ' * column}{name}: []"]
    return [f"{' ' * column}{name}:", *(f"{' ' * (column + STEP)}- {flow(item)}" for item in items)]


def _appended(lines: Lines, name: str, below: Lines) -> Lines:
    """A new section at the end of the file."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return [*lines[:end], "", f"{name}:" if below else f"{name}: []", *below, ""]


def _moved(comment: str, by: int) -> str:
    """A comment behind a value that is longer by some columns stays where it was, if there is room."""
    bare = comment.lstrip()
    room = len(comment) - len(bare)
    return " " * max(2, room - by) + bare if bare else ""


def _composed(text: str) -> yaml.Node:
    try:
        root = document.parse(text)
    except yaml.YAMLError as error:
        raise EditError(f"the config is no YAML: {error}") from error
    if not isinstance(root, yaml.MappingNode):
        raise EditError("the config holds no settings")
    return root


def _value(root: yaml.Node, name: str) -> yaml.Node | None:
    return next((value for key, value in root.value if key.value == name), None)


def _put(data: dict[str, Any], key: tuple[str, ...], items: list[dict[str, Any]]) -> dict[str, Any]:
    data = deepcopy(data)
    holder = data
    for part in key[:-1]:
        holder = holder.setdefault(part, {})
    holder[key[-1]] = items
    return data
