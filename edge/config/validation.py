"""Plain data → Config, with everything that is wrong found in one go."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from pydantic import TypeAdapter, ValidationError

from edge.config import allowed
from edge.config.clashes import clashes
from edge.config.problem import Key
from edge.config.sections import Config

UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
MISSING = "missing"
ROUNDS = 100
"""Sections that tell one fault at a time are asked again so often at most."""


class Validator:
    """The annotations of `Config`, compiled, and their JSON Schema to explain them with."""

    def __init__(self) -> None:
        self._adapter = TypeAdapter(Config)
        self._schema = self._adapter.json_schema()

    def validate(
        self, data: Mapping[str, Any], locate: Callable[[Config], Config], unread: frozenset[Key] = frozenset()
    ) -> tuple[Config | None, dict[Key, str]]:
        """The config after `locate` has made its paths absolute, or None; and what is wrong, by key, but for clashes of `unread` ones.

        A section's own check stops at its first fault, and clashes show in a whole config only: so what is found wrong is taken out,
        and the rest judged again, until nothing more comes.
        """
        rest, found = deepcopy(dict(data)), dict[Key, str]()
        for _ in range(ROUNDS):
            try:
                config = locate(self._adapter.validate_json(json.dumps(rest, default=str)))
            except ValidationError as error:
                before = deepcopy(rest)
                for key, text in self._faults(error):
                    _note(found, key, text)
                    self._mend(rest, key)
                if rest == before:
                    break
            else:
                for key, text in clashes(config):
                    if key not in unread:
                        _note(found, key, text)
                return (None if found else config), found
        return None, found

    def _faults(self, error: ValidationError) -> Iterator[tuple[Key, str]]:
        for each in error.errors(include_url=False):
            key: Key = each["loc"]
            if each["type"] in UNKNOWN:
                yield key, allowed.unknown(str(key[-1]), allowed.keys(allowed.at(key[:-1], self._schema), self._schema))
            elif each["type"] == "value_error":
                yield from self._told(key, str(each["ctx"]["error"]))
            elif each["type"].startswith(MISSING):
                yield key, f"is missing, expected {self._allowed(key)}"
            else:
                quotes = " in quotes" if each["type"] == "string_type" and isinstance(each["input"], (bool, int, float)) else ""
                yield key, f"is {_shown(each['input'])}, expected {self._allowed(key)}{quotes}"

    def _told(self, section: Key, message: str) -> Iterator[tuple[Key, str]]:
        """What a section's own check says, "who: key is value, expected …; key is …", as faults of its keys."""
        names = allowed.keys(allowed.at(section, self._schema), self._schema)
        for part in message.split("; "):
            match = re.match(r"(?:.*?: )?(?:\w+\.)?(?P<name>\w+) (?P<text>.*)", part)
            if match and match["name"] in names:
                yield (*section, match["name"]), match["text"]
            else:
                yield section, f"is refused: {part}"

    def _allowed(self, key: Key) -> str:
        return allowed.described(allowed.at(key, self._schema), self._schema)

    def _mend(self, rest: Any, key: Key) -> None:
        """Take a bad value out, or put one in where something is missing, so that the rest can be judged."""
        *above, last = key
        holder = rest
        for part in above:
            holder = holder[part]
        if isinstance(holder, dict) and last in holder:
            del holder[last]
        elif isinstance(holder, list) and last == len(holder):  # a pair that has but one
            holder.append(self._stand_in(key))
        elif isinstance(holder, list) or last in self._required(tuple(above)):
            holder[last] = self._stand_in(key)
        elif above:
            self._mend(rest, tuple(above))

    def _required(self, section: Key) -> list[str]:
        return list(allowed.at(section, self._schema).get("required", ()))

    def _stand_in(self, key: Key) -> Any:
        kinds = {"object": {}, "array": [{}], "string": "-".join(["missing", *map(str, key)]), "boolean": False}
        return kinds.get(allowed.at(key, self._schema).get("type", ""), 1)


def _note(found: dict[Key, str], key: Key, text: str) -> None:
    """Keep what is said first of a key, and nothing of what is below one that is wrong itself, or holds one: that was mended, not meant."""
    if not any(key[: len(other)] == other or other[: len(key)] == key for other in found):
        found[key] = text


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False) if not isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
