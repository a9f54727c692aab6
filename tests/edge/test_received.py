"""JSON from outside: what Python's reader takes and nobody else does is refused where it comes in."""

from __future__ import annotations

import pytest

from edge.received import DEEPEST, document


def test_a_document_as_it_is() -> None:
    assert document('{"a": [1, -2.5, true, null, "Đ"], "b": 999999999999999999}'.encode()) == {
        "a": [1, -2.5, True, None, "Đ"],
        "b": 999_999_999_999_999_999,
    }
    assert document(bytearray(b"[" * DEEPEST + b"]" * DEEPEST)) is not None


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"{", "Expecting"),
        (b"", "Expecting"),
        (b"\xff", "byte 0 is no UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "no UTF-8"),
        (b'{"score": NaN}', "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[1e999]", "1e999 is too large"),
        (b"[" + b"9" * 5000 + b"]", "an integer of 5000 digits"),
        (b"[1000000000000000000]", "an integer of 19 digits"),
        (b'["\\ud800"]', "surrogates not allowed"),
        (b'{"\\udc00": 1}', "surrogates not allowed"),
        (b"[" * (DEEPEST + 2) + b"]" * (DEEPEST + 2), "nests deeper than 32"),
        (b"[" * 100_000, "nests deeper than 32"),
    ],
    ids=range(13),
)
def test_what_is_no_json_says_why(payload: bytes, says: str) -> None:
    """A message of 990 brackets was read to its last level, and then too deep for whoever put it into words: the thread ended."""
    with pytest.raises(ValueError, match=says):
        document(payload)
