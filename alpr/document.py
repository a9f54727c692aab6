"""YAML from outside as plain data, or a YAMLError with its place: nothing else, whatever the text is.

PyYAML alone raises ValueError for `2024-02-30` and for an integer of 5,000 digits, KeyError for `!!bool maybe`, IndexError for `!!int ''`,
RecursionError for what nests deep, and takes an alias of an alias of an alias … for as many values as no memory holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

MOST_VALUES = 10_000
"""A config and a contract have a few hundred."""
DEEPEST = 32
LONGEST_INTEGER = 64
"""Bits: whatever an integer is for, no database, clock or picture takes a longer one."""
DATE = "tag:yaml.org,2002:timestamp"


class DocumentError(yaml.MarkedYAMLError):
    """YAML that holds what nobody can use; `problem` says what, `problem_mark` where."""

    def __init__(self, problem: str, mark: yaml.Mark | None) -> None:
        super().__init__(problem=problem, problem_mark=mark)


def read(text: str) -> Any:
    """Plain data; None for an empty text. Keys are text as they are written: the country NO is not false. Raises YAMLError."""
    node = parse(text)
    return None if node is None else plain(node)


def parse(text: str) -> yaml.Node | None:
    """The nodes of a text, with their places; every key of them is a word. Raises YAMLError."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
    except RecursionError as error:
        raise DocumentError("nests too deep", None) from error
    finally:
        loader.dispose()
    for count, each in enumerate(_within(node, 0) if node else ()):
        if count >= MOST_VALUES:
            raise DocumentError(f"more than {MOST_VALUES} values, each alias counted in full", each.start_mark)
    return node


def plain(node: yaml.Node) -> Any:
    """The data of parsed nodes. Raises YAMLError."""
    if isinstance(node, yaml.MappingNode):
        return {_text(name): plain(value) for name, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    return _scalar(node)


def _within(node: yaml.Node, depth: int) -> Iterator[yaml.Node]:
    """A node and all below it, aliases as often as they stand."""
    if depth > DEEPEST:
        raise DocumentError("nests too deep, or an alias in it holds itself", node.start_mark)
    yield node
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _within(item, depth + 1)
    elif isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise DocumentError("expected a word as the key", name.start_mark)
            yield from _within(value, depth + 1)


def _scalar(node: yaml.Node) -> Any:
    if node.tag == DATE:  # nothing of ours is a date: it is a version, or a remark
        return _text(node)
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise DocumentError(f"{node.value!r:.60} is no {node.tag.rpartition(':')[2]}", node.start_mark) from error
    if isinstance(value, int) and value.bit_length() > LONGEST_INTEGER:
        raise DocumentError(f"an integer of {value.bit_length()} bits, expected at most {LONGEST_INTEGER}", node.start_mark)
    return _text(node) if isinstance(value, str) else value


def _text(node: yaml.Node) -> str:
    if any("\ud800" <= char <= "\udfff" for char in node.value):
        raise DocumentError(f"{node.value!r:.60} holds half of a character, which nothing can write or send", node.start_mark)
    return str(node.value)
