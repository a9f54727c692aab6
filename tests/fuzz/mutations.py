"""What goes wrong with a file or a message: edits of a text, of a JSON document, of bytes, and values that nobody expects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

DIGITS = 5000
"""More than Python makes an int of (sys.int_info.default_max_str_digits)."""
DEEP = (20, 150, 300, 600, 900, 990, 5000)
WORDS = (
    "", "''", "~", "null", "true", "yes", "NO", "0", "-1", "1", "0.5", "1e3", ".nan", ".inf", "-.inf", "1e400", "1e308", "-1e308", "5e-324",
    "9" * 19, "1" + "0" * 40, "1" + "0" * 400, "9" * DIGITS, "0x" + "f" * DIGITS, "0b102", "0o9", "1:99:99", "1_000", "2024-02-30",
    "2024-01-01", "2024-01-01T25:00:00Z", "!!int x", "!!int ''", "!!bool maybe", "!!float ''", "!!binary '*'", "!!timestamp x", "!!null x",
    "!!python/object:os.system x", "!!set {a, b}", "!!omap [a: 1]", "=", "<<", '"\\ud800"', '"\\0"', '"\\x1b[2J"', '"a\\n"', '"\\u2028"',
    "\ufeff", "\u202eabc", "Ж", "😀", "é" * 300, "x" * 5000, "[", "]", "{", "}", "'", '"', "*a", "&a", "&a [*a]", "|", ">", "%", "@", "`",
    "\t", "# x", "- x", "? x", "[]", "[[]]", "{}", "[1, 2, 3]", "{a: 1}", "{[a]: 1}", "{{a: 1}: 1}", "/", ".", "/dev/null", "a" * 300,
    "a\\0b", "${X}", "${CREDENTIALS_DIRECTORY}/mqtt-password", "${CAMERA_PASSWORD}", "rtsp://a:b@c", "csi://0", "/dev/video0",
)  # fmt: skip
NUMBERS = ("0", "1", "-1", "0.5", "1.0e+308", "5.0e-324", ".nan", ".inf", "9223372036854775807", "18446744073709551616", "1" + "0" * 400)
BOMB = "\n".join(["a0: &a0 [1, 1]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 64))])
"""An alias of an alias of an alias …: 64 lines, 2 to the power of 64 values."""
RAW = ("1e999", "-1e999", "1" + "0" * 400, "9" * DIGITS, "-0", "1e-400", "01", "NaN", "Infinity", "-Infinity", "1.0", "1e300", "undefined")
"""JSON as some write it."""
MARK = "\ue000raw"


def nested(depth: int, left: str = "[", right: str = "]") -> str:
    return left * depth + right * depth


def words() -> SearchStrategy[str]:
    """A value as it stands in YAML."""
    deep = st.builds(nested, st.sampled_from(DEEP), st.sampled_from(("[", "{a: ")), st.sampled_from(("]", "}")))
    return st.one_of(st.sampled_from(WORDS), numbers(), st.text(max_size=12), deep)


def numbers() -> SearchStrategy[str]:
    """From the smallest to the largest: each order of magnitude as likely as any other."""
    magnitude = st.builds("{}e{:+d}".format, st.integers(-99, 99).map(lambda tenths: tenths / 10), st.integers(-320, 308))
    return st.one_of(st.sampled_from(NUMBERS), st.integers(-(2**65), 2**65).map(str), magnitude, st.floats().map(repr))


def edited(text: str, most: int = 4) -> SearchStrategy[str]:
    """A text with some of its lines deleted, doubled, moved, given another value or key, or with anything between them."""
    lines = text.splitlines()
    at = st.integers(0, len(lines) - 1)
    of_a_number = st.sampled_from([index for index, line in enumerate(lines) if re.search(r": [\d.]+$", line)] or [0])
    edit = st.one_of(
        st.tuples(st.just(_valued), of_a_number, numbers()),
        st.tuples(st.just(_deleted), at, st.none()),
        st.tuples(st.just(_doubled), at, at),
        st.tuples(st.just(_valued), at, words()),
        st.tuples(st.just(_valued), at, words()),
        st.tuples(st.just(_keyed), at, words()),
        st.tuples(st.just(_indented), at, st.integers(-4, 4)),
        st.tuples(st.just(_inserted), at, words() | st.just(BOMB) | st.just(BOMB + "\nregions: *a63")),
        st.tuples(st.just(_poked), at, st.tuples(st.integers(0, 60), st.characters())),
        st.tuples(st.just(_cut), at, st.none()),
    )
    return st.lists(edit, min_size=1, max_size=most).map(lambda edits: _applied(lines, edits))


def damaged(data: bytes, most: int = 6) -> SearchStrategy[bytes]:
    """Bytes with some flipped, overwritten, cut off, left out, doubled or put between."""
    at = st.integers(0, len(data) - 1)
    piece = st.binary(min_size=1, max_size=8) | st.sampled_from((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff\xd8"))
    edit = st.one_of(
        st.tuples(st.just(_overwritten), at, piece),
        st.tuples(st.just(_overwritten), st.integers(0, min(64, len(data)) - 1), piece),  # the header says how large the rest is
        st.tuples(st.just(_put_between), at, piece),
        st.tuples(st.just(_left_out), at, at),
        st.tuples(st.just(_repeated), at, at),
        st.tuples(st.just(_cut_bytes), at, at),
    )
    return st.lists(edit, min_size=1, max_size=most).map(lambda edits: _applied_bytes(data, edits))


def changed(document: Any, most: int = 4) -> SearchStrategy[bytes]:
    """A JSON document with values deleted, replaced or added, as bytes; now and then damaged after that."""
    paths = [path for path in _paths(document, ()) if path]
    edit = st.tuples(st.sampled_from(paths), st.sampled_from(("delete", "replace", "replace", "replace", "add")), values())
    text = st.lists(edit, max_size=most).map(lambda edits: _dumped(document, edits))
    return text.flatmap(lambda body: st.just(body) if len(body) % 8 else damaged(body, 2))


def values() -> SearchStrategy[Any]:
    """A value of any kind that JSON has, and of some that it has not."""
    deep = st.sampled_from(DEEP).map(lambda depth: f"{MARK}{nested(depth)}{MARK}")
    texts = st.text(max_size=10) | st.sampled_from(
        ("\ud800", "\0", "a\n", "\x1b[2J", "\u2028", "/", "+", "#", "a/b", "x" * 70_000, "A" * 33)
    )
    moments = st.sampled_from(
        ("2024-02-30T00:00:00.000Z", "0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000Z")
    )
    raw = st.sampled_from(RAW).map(lambda word: f"{MARK}{word}{MARK}")
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | moments | raw
    few = st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=6), scalars, max_size=3)
    return scalars | few | deep | st.builds(lambda: ["x"] * 1500)


Edit = tuple[Callable[..., Any], int, Any]


def _applied(lines: Sequence[str], edits: Sequence[Edit]) -> str:
    left = list(lines)
    for change, at, what in edits:
        if left:
            change(left, at % len(left), what)
    return "\n".join(left) + "\n"


def _deleted(lines: list[str], at: int, _: None) -> None:
    del lines[at]


def _doubled(lines: list[str], at: int, to: int) -> None:
    lines.insert(to, lines[at])


def _valued(lines: list[str], at: int, word: str) -> None:
    key, colon, _ = lines[at].partition(":")
    lines[at] = f"{key}{colon} {word}"


def _keyed(lines: list[str], at: int, word: str) -> None:
    key, colon, rest = lines[at].partition(":")
    blank = key[: len(key) - len(key.lstrip(" -"))]
    lines[at] = f"{blank}{word}{colon}{rest}"


def _indented(lines: list[str], at: int, by: int) -> None:
    lines[at] = " " * by + lines[at] if by > 0 else lines[at][-by:]


def _inserted(lines: list[str], at: int, word: str) -> None:
    lines.insert(at, word)


def _poked(lines: list[str], at: int, what: tuple[int, str]) -> None:
    place, char = what
    lines[at] = lines[at][:place] + char + lines[at][place + 1 :]


def _cut(lines: list[str], at: int, _: None) -> None:
    del lines[at + 1 :]


def _applied_bytes(data: bytes, edits: Sequence[Edit]) -> bytes:
    for change, at, what in edits:
        if data:
            data = change(data, at % len(data), what)
    return data


def _overwritten(data: bytes, at: int, piece: bytes) -> bytes:
    return data[:at] + piece + data[at + len(piece) :]


def _put_between(data: bytes, at: int, piece: bytes) -> bytes:
    return data[:at] + piece + data[at:]


def _left_out(data: bytes, at: int, to: int) -> bytes:
    return data[: min(at, to)] + data[max(at, to) :]


def _repeated(data: bytes, at: int, to: int) -> bytes:
    return data[: max(at, to)] + data[min(at, to) :]


def _cut_bytes(data: bytes, at: int, _: int) -> bytes:
    return data[:at]


def _paths(node: Any, above: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield above
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield from _paths(value, (*above, key))


def _dumped(document: Any, edits: Sequence[tuple[tuple[Any, ...], str, Any]]) -> bytes:
    changed = deepcopy(document)
    for path, what, value in edits:
        _edit(changed, path, what, deepcopy(value))  # one that was put into itself would never be written
    text = json.dumps(changed, ensure_ascii=True)
    quoted = json.dumps(MARK)[1:-1]
    return text.replace(f'"{quoted}', "").replace(f'{quoted}"', "").encode()


def _edit(document: Any, path: tuple[Any, ...], what: str, value: Any) -> None:
    holder = document
    for part in path[:-1]:
        if not isinstance(holder, (dict, list)) or part not in _keys(holder):
            return  # an edit before this one took it out
        holder = holder[part]
    if not isinstance(holder, (dict, list)) or path[-1] not in _keys(holder):
        return
    if what == "delete":
        del holder[path[-1]]
    elif what == "replace":
        holder[path[-1]] = value
    elif isinstance(holder, dict):
        holder[str(value)[:40]] = value
    else:
        holder.append(value)


def _keys(holder: Any) -> Any:
    return holder.keys() if isinstance(holder, dict) else range(len(holder))
