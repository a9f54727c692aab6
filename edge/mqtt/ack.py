"""The consumer's acknowledgement: which events are safe with it. `edge/schemas/ack.v1.json` says what is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from edge.received import document

SCHEMA: Final = "kerbside.ack/1"
SCHEMA_FILE: Final = "ack.v1.json"
MOST_IDS: Final = 1000
MOST_BYTES: Final = 1 << 18


class AckError(ValueError):
    """A message that is no acknowledgement; it says what was expected and what was found."""


def ack_of(ids: Iterable[str]) -> bytes:
    """Event ids → the message for `<prefix>/<device>/ack`."""
    return json.dumps({"schema": SCHEMA, "ids": list(ids)}, separators=(",", ":")).encode()


def sequences_of(payload: bytes, device: str, outbox: str) -> list[int]:
    """The sequences that a message acknowledges; ids of other devices and of an outbox that was set aside are passed over.

    Raises AckError.
    """
    if len(payload) > MOST_BYTES:
        raise AckError(f"has {len(payload)} bytes, expected at most {MOST_BYTES}")
    try:
        said = document(payload)
    except ValueError as error:
        raise AckError(f"is no JSON: {error}") from error
    if not isinstance(said, dict) or said.get("schema") != SCHEMA:
        raise AckError(f"is {str(said)[:60]!r}, expected an object with schema {SCHEMA!r}")
    ids = said.get("ids")
    if not isinstance(ids, list) or len(ids) > MOST_IDS or not all(isinstance(each, str) for each in ids):
        raise AckError(f"ids are {str(ids)[:60]!r}, expected a list of up to {MOST_IDS} texts")
    ours = re.compile(rf"{re.escape(device)}-{re.escape(outbox)}-([0-9]{{1,18}})")
    return [int(match[1]) for match in map(ours.fullmatch, ids) if match]
