"""A command and its answer, as JSON: `edge/schemas/command.v1.json` says what is in it. Names and moments alone; no path, no program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jsonschema.exceptions import best_match

from edge.mqtt.presence import finite
from edge.received import document
from edge.schemas import strict

SCHEMA_FILE: Final = "command.v1.json"
RESULT: Final = "kerbside.result/1"
MOST_BYTES: Final = 4096


class CommandError(ValueError):
    """A command that is not done; the message says what was expected and what was found, and goes to whoever asked."""


@dataclass(frozen=True, slots=True)
class Command:
    """One that is well-formed; whether it may be done is the desk's to say."""

    id: str
    do: str
    expires_utc_s: float
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a command: for the answer, and a picture to publish below the device's topic where there is one."""

    result: Any
    picture: tuple[str, bytes] | None = None  # topic below <prefix>/<device>/, JPEG


def parse(payload: bytes) -> Command:
    """Raises CommandError, with the place of the first fault."""
    if len(payload) > MOST_BYTES:
        raise CommandError(f"has {len(payload)} bytes, expected at most {MOST_BYTES}")
    try:
        asked = document(payload)
    except ValueError as error:
        raise CommandError(f"is no JSON: {error}") from error
    fault = best_match(_validator().iter_errors(asked))
    if fault is not None:
        raise CommandError(f"{fault.json_path}: {fault.message[:200]}")
    return Command(asked["id"], asked["do"], utc_s(asked["expires"]), asked.get("with", {}))


def result(command: Command, ok: bool, told: Any) -> bytes:
    """The answer to a command."""
    answer = {"schema": RESULT, "id": command.id, "do": command.do, "ok": ok, "result" if ok else "error": finite(told)}
    return json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()


def utc_s(moment: str) -> float:
    """Raises CommandError for one that no calendar has, the 30th of February."""
    try:
        return datetime.fromisoformat(_readable(moment)).timestamp()
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{moment} is no moment: {error}") from error


def _readable(moment: str) -> str:
    """Python before 3.11 knows no Z, and three or six digits of a second only."""
    whole, _, fraction = moment.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<6}+00:00"


@cache
def _validator() -> Any:
    schema = json.loads((files("edge") / "schemas" / SCHEMA_FILE).read_text(encoding="utf-8"))
    return strict(schema)


def moment_of(utc_seconds: float) -> str:
    """Seconds since 1970 → the form that `expires` has."""
    return datetime.fromtimestamp(utc_seconds, timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
