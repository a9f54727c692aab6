"""Lists of plates and what a vehicle's characters say of them: the operator's files, one plate a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from alpr.matching import F64, Matcher
from alpr.syntax import Grammar
from alpr.types import Hit, Vote
from edge.privacy import latin, normal

Kind = Literal["allow", "deny", "named"]
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}")
WRITTEN: Final = re.compile(r"[A-Z0-9\s.·•:/–-]*[A-Z0-9][A-Z0-9\s.·•:/–-]*")
"""A plate as people write it: upper case, with separators."""


class ListError(ValueError):
    """A list that cannot be used; the message names the setting and says what was expected."""


@dataclass(frozen=True, slots=True)
class PlateList:
    """A list as config.yaml names it. Raises ListError."""

    name: str
    file: Path
    kind: Kind = "named"
    least: float = 0.02  # the probability from which on a vehicle is taken for a listed one

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ListError(f"name is {self.name!r}, expected at most 63 letters, digits, ' ', '.', '_' and '-'")
        if not 0 < self.least < 1:
            raise ListError(f"least is {self.least:g}, expected a probability above 0 and below 1")


class Lists:
    """A vote → at most one hit a list: its plate that the vehicle most probably has, where that is probable enough."""

    def __init__(self, specs: Iterable[PlateList], grammar: Grammar) -> None:
        """Reads the files. Raises ListError."""
        read = ((spec, entries(spec.file)) for spec in specs)
        self._lists = [(spec, tuple(notes.items()), Matcher(tuple(notes), grammar)) for spec, notes in read]

    def __call__(self, vote: Vote) -> tuple[Hit, ...]:
        return tuple(hit for spec, noted, matcher in self._lists for hit in _hit(spec, noted, matcher(vote)))


def entries(file: Path) -> dict[str, str]:
    """The plates of a file with their notes: `51F-734.20, blue van  # a remark`, separators and case as people write them.

    Raises ListError.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")  # as spreadsheets save it
    except (OSError, UnicodeDecodeError) as error:
        raise ListError(f"file is {str(file)!r}, which cannot be read: {getattr(error, 'strerror', None) or error}") from error
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        plate, _, note = line.partition("#")[0].partition(",")
        if not plate.strip():
            continue
        if not WRITTEN.fullmatch(latin(plate)):  # another script's letters would go, and leave another plate
            raise ListError(f"file is {str(file)!r}, whose line {number} is {plate.strip()!r:.40}, expected a plate of A-Z and 0-9")
        found[normal(plate)] = note.strip()
    if not found:
        raise ListError(f"file is {str(file)!r}, which names no plate, expected one a line")
    return found


def _hit(spec: PlateList, noted: tuple[tuple[str, str], ...], probabilities: F64) -> Iterator[Hit]:
    best = int(probabilities.argmax())
    if probabilities[best] >= spec.least:
        plate, note = noted[best]
        yield Hit(spec.name, spec.kind, plate, note, float(probabilities[best]))
