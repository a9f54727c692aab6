"""Events as the outbox stores them, and a judge of payloads by the schemas that were written from the other systems' documentation."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator

from alpr.types import Hit
from edge.events import Place, describe, seal
from tests.edge.plates import IDENTITY, plate_event

HIT = Hit("staff", "allow", "51F73420", "Anna's van", 0.97)


def stored(plate: str = "51F73420", **changes: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(body(plate, **changes))
    return loaded


def body(plate: str = "51F73420", **changes: Any) -> bytes:
    return seal(describe(plate_event(plate, **changes), IDENTITY), Place("ab12", 1, 7))


def faults(schema: str, document: Any) -> list[str]:
    """Where a document is not as its schema says."""
    loaded = json.loads((files("edge.adapters") / "schemas" / f"{schema}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(loaded)
    return [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message:.120}" for error in Draft202012Validator(loaded).iter_errors(document)
    ]
