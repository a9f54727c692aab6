"""What is said over MQTT, as JSON Schema, and a validator that means by it what the standard does.

jsonschema alone searches patterns as Python does, where `$` stands before a last line break too: "51F73420\\n" was a plate, and "a-1\\n" a
command's id. Nor does it look at dates: the 30th of February came as far as the screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo is not None


def _pattern(validator: Any, pattern: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    end = r"\Z" if pattern.endswith("$") else ""
    if validator.is_type(instance, "string") and not re.search(pattern.removesuffix("$") + end, instance):
        yield ValidationError(f"{instance!r:.80} does not match {pattern!r}")


Strict = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def strict(schema: Mapping[str, Any]) -> Any:
    """A validator of a schema, patterns and dates included; raises SchemaError where it is none."""
    Strict.check_schema(schema)
    return Strict(schema, format_checker=FORMATS)
