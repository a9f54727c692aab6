"""What a setting may be, in words, out of the JSON Schema that its type annotation makes."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from edge.config.problem import Key

Schema = Mapping[str, Any]
PLAIN = {"boolean": "true or false", "string": "text", "array": "a list", "object": "a mapping", "null": "null"}
BOUNDS = {"exclusiveMinimum": "above", "minimum": "at least", "exclusiveMaximum": "below", "maximum": "at most"}


def described(schema: Schema, root: Schema) -> str:
    """ "a number at least 0 and at most 1", "one of 'debug', 'info'", "a list of text" …"""
    schema = _resolved(schema, root)
    if "description" in schema and schema.get("type") != "object":
        return str(schema["description"])
    if "anyOf" in schema:
        return " or ".join(described(each, root) for each in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(map(repr, schema["enum"]))
    if "const" in schema:
        return repr(schema["const"])
    if schema.get("type") in ("number", "integer"):
        return _number(schema)
    if schema.get("type") == "array" and "prefixItems" in schema:
        return "[" + ", ".join(described(item, root) for item in schema["prefixItems"]) + "]"
    if schema.get("type") == "array" and "items" in schema:
        return f"a list of {described(schema['items'], root)}"
    return "a path" if schema.get("format") == "path" else PLAIN.get(schema.get("type", ""), "another value")


def at(key: Key, root: Schema) -> Schema:
    """The schema of the setting at a key, or an empty one where there is none."""
    schema = _resolved(root, root)
    for part in key:
        inner = [
            _item(option, part) if isinstance(part, int) else option["properties"].get(part, {}) for option in _options(schema, root, part)
        ]
        schema = _resolved(inner[0], root) if inner else {}
    return schema


def keys(schema: Schema, root: Schema) -> list[str]:
    """The keys of a section, in the order in which they are declared."""
    return [name for option in _options(schema, root, "") for name in option["properties"]]


def unknown(name: str, among: list[str]) -> str:
    near = get_close_matches(name, among, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"is no key: {hint}allowed are {', '.join(sorted(among))}"


def _options(schema: Schema, root: Schema, part: str | int) -> list[Schema]:
    """What a schema may be that has such parts: items for an index, properties for a name."""
    options = [_resolved(option, root) for option in schema.get("anyOf", [schema])]
    return [option for option in options if (option.get("type") == "array" if isinstance(part, int) else "properties" in option)]


def _item(schema: Schema, index: int) -> Schema:
    """What stands at an index of a list: of a list of fixed length, each item has its own schema."""
    own: list[Schema] = schema.get("prefixItems", [])
    found: Schema = own[index] if index < len(own) else schema.get("items", {})
    return found


def _number(schema: Schema) -> str:
    kind = "a whole number" if schema["type"] == "integer" else "a number"
    bounds = [f"{word} {schema[name]:g}" for name, word in BOUNDS.items() if name in schema]
    return " ".join([kind, " and ".join(bounds)]).strip()


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        own = {name: value for name, value in schema.items() if name != "$ref"}
        schema = {**root["$defs"][schema["$ref"].rsplit("/", 1)[1]], **own}
    return schema
