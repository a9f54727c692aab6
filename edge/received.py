"""JSON from outside, as RFC 8259 has it and no deeper than anybody needs.

Python's own reader takes NaN, makes 1e999 infinite, keeps half characters that nothing can write, and integers that no database
takes; what it reads to its last level is too deep for whoever prints or checks it.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

DEEPEST: Final = 32
MOST_DIGITS: Final = 18
"""Of an integer: what is shorter fits into 64 bits."""


def document(payload: bytes | bytearray) -> Any:
    """The value of a message in UTF-8. Raises ValueError, which says what is wrong."""
    try:
        text = payload.decode("utf-8")
        found = json.loads(text, parse_constant=_no_number, parse_float=_finite, parse_int=_short)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is no UTF-8") from error
    except RecursionError as error:
        raise ValueError(f"nests deeper than {DEEPEST} levels") from error
    _check(found, 0)
    return found


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text:.40} is too large a number")
    return value


def _short(text: str) -> int:
    if len(text.lstrip("-")) > MOST_DIGITS:
        raise ValueError(f"an integer of {len(text.lstrip('-'))} digits, expected at most {MOST_DIGITS}")
    return int(text)


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"nests deeper than {DEEPEST} levels")
    if isinstance(value, str):
        value.encode()  # half of a character, as "\\ud800": UnicodeEncodeError is a ValueError
    elif isinstance(value, list):
        for each in value:
            _check(each, depth + 1)
    elif isinstance(value, dict):
        for name, each in value.items():
            name.encode()
            _check(each, depth + 1)
