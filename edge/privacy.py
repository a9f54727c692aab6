"""What leaves the unit of the plates that it reads, and what it never looks at.

plain       the text
allow_list  only plates of a list, the rest is counted and forgotten; a poor read that hits one of `lists` leaves as the listed plate
hmac        instead of the text a token: HMAC-SHA-256 under a key that changes every rotate_days. The same plate has the same token for as
            long, and none that links it to the time after. An unkeyed hash is no secret: all plates of a country are tried in minutes.
            Whoever has the key can try them too, so a token is still personal data.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np

from alpr.types import U8, PlateEvent

KEY_BYTES: Final = 32
KEY_ID: Final = 6
"""Characters in front of a token that say which period's key made it."""
DAY_S: Final = 86_400
LONGEST_DAYS: Final = 36_500


class PrivacyError(ValueError):
    """A list or a key that cannot be used; the message names the setting and says what was expected."""


@dataclass(frozen=True, slots=True)
class Mask:
    """Private ground in a camera's picture."""

    camera: str
    polygon: tuple[tuple[float, float], ...]  # corners as shares of width and height: 0 0 is the top left, 1 1 the bottom right

    def __post_init__(self) -> None:
        if len(self.polygon) < 3:
            raise PrivacyError(f"polygon is {list(self.polygon)}, expected at least three corners [x, y]")
        if not all(0 <= side <= 1 for corner in self.polygon for side in corner):
            raise PrivacyError(f"polygon is {list(self.polygon)}, expected shares of width and height, 0 to 1")


@dataclass(frozen=True, slots=True)
class PrivacyRules:
    """Of config.yaml. Raises PrivacyError."""

    mode: Literal["plain", "allow_list", "hmac"] = "plain"
    allow_list: Path | None = None
    key_file: Path | None = None
    rotate_days: int = 7
    masks: tuple[Mask, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.rotate_days <= LONGEST_DAYS:
            raise PrivacyError(f"rotate_days is {self.rotate_days}, expected a whole number at least 1, and at most {LONGEST_DAYS}")
        for mode, name in (("allow_list", "allow_list"), ("hmac", "key_file")):
            if (self.mode == mode) != (getattr(self, name) is not None):
                raise PrivacyError(
                    f"{name} is {str(getattr(self, name))!r}, expected a file where mode is {mode}, and none where it is not"
                )


class Privacy:
    """An event → the event as it may leave, or None for one that may not. `withheld` counts those."""

    def __init__(self, rules: PrivacyRules) -> None:
        """Raises PrivacyError."""
        self.withheld = 0
        self._mode, self._rotate_days = rules.mode, rules.rotate_days
        self._allowed = listed(rules.allow_list) if rules.mode == "allow_list" and rules.allow_list else frozenset()
        self._key = key(rules.key_file) if rules.mode == "hmac" and rules.key_file else b""

    def __call__(self, event: PlateEvent) -> PlateEvent | None:
        if self._mode == "plain":
            return event
        if self._mode == "hmac":
            return self._sealed(event)
        return self._listed(event)

    def tokens(self, plate: str, since_utc_s: float, until_utc_s: float) -> list[str]:
        """Every token that a plate had in a time, for its erasure; none in the other modes."""
        if self._mode != "hmac":
            return []
        first, last = (period(moment, self._rotate_days) for moment in (since_utc_s, until_utc_s))
        return [token(plate, self._key, number) for number in range(first, last + 1)]

    def _listed(self, event: PlateEvent) -> PlateEvent | None:
        """A plate of the allow list, as it was read; or, where a poor read hits one of `lists` with such a plate, as that plate alone."""
        hits = tuple(hit for hit in event.hits if hit.plate in self._allowed)
        if event.vote.plate in self._allowed:
            return replace(event, hits=hits)
        if hits:
            best = max(hits, key=lambda hit: hit.probability)
            return replace(_renamed(event, best.plate, best.probability), hits=hits)
        self.withheld += 1
        return None

    def _sealed(self, event: PlateEvent) -> PlateEvent:
        number = period(event.captured_utc_s, self._rotate_days)
        hits = tuple(replace(hit, plate=token(hit.plate, self._key, number), note="") for hit in event.hits)
        return replace(_renamed(event, token(event.vote.plate, self._key, number), event.vote.score), hits=hits)


def _renamed(event: PlateEvent, name: str, score: float) -> PlateEvent:
    """The event under another text. Everything that tells its own goes: the raw read, each character with its runners-up, the candidates,
    the picture."""
    region = replace(event.vote.region, display="")
    vote = replace(event.vote, plate=name, raw=name, score=score, chars=(), candidates=(), region=region, lattice=None)
    return replace(event, vote=vote, crop=None)


def period(utc_s: float, rotate_days: int) -> int:
    """The number of the key's period at a moment; the same for all units with the same key and rotate_days."""
    return int(utc_s // (rotate_days * DAY_S))


def token(plate: str, master: bytes, number: int) -> str:
    """32 characters of A-Z2-7: six that name the key of a period, and 130 bits of the plate's HMAC under it."""
    used = hmac.digest(master, f"kerbside plate key {number}".encode(), hashlib.sha256)
    name = hmac.digest(used, b"name of this key", hashlib.sha256)
    return base64.b32encode(name).decode()[:KEY_ID] + base64.b32encode(hmac.digest(used, plate.encode(), hashlib.sha256)).decode()[:26]


def listed(path: Path) -> frozenset[str]:
    """The plates of a list: one a line, separators and case as people write them, `#` begins a remark. Raises PrivacyError."""
    lines = (line.partition("#")[0] for line in _text("allow_list", path).splitlines())
    plates = frozenset(filter(None, (normal(line) for line in lines)))
    if not plates:
        raise PrivacyError(f"allow_list {path} names no plate, expected one a line")
    return plates


def normal(plate: str) -> str:
    """A plate as it is read: upper case, A-Z0-9 alone."""
    return re.sub(r"[^A-Z0-9]", "", latin(plate))


def latin(plate: str) -> str:
    """Upper case, without the marks that a reader does not tell: Ö is O, and Vietnam's Đ is D."""
    return "".join(char for char in unicodedata.normalize("NFKD", plate.upper()) if not unicodedata.combining(char)).replace("Đ", "D")


def key(path: Path) -> bytes:
    """The secret of a key file. Raises PrivacyError."""
    found = _text("key_file", path).strip().encode()
    if len(found) < KEY_BYTES:
        raise PrivacyError(f"key_file {path} holds {len(found)} bytes, expected at least {KEY_BYTES}: make one with  openssl rand -hex 32")
    return found


def masked(bgr: U8, polygons: Sequence[Sequence[tuple[float, float]]]) -> U8:
    """The picture with private ground blackened, before anything looks at it; corners are shares of width and height."""
    if not polygons:
        return bgr
    size = np.array(bgr.shape[1::-1], np.float64)
    shapes = [np.round(np.asarray(polygon) * size).astype(np.int32) for polygon in polygons]
    picture = bgr if bgr.flags.writeable else bgr.copy()
    return cv2.fillPoly(picture, shapes, (0, 0, 0))  # type: ignore[return-value]


def polygons_of(masks: Iterable[Mask], camera: str) -> list[tuple[tuple[float, float], ...]]:
    return [mask.polygon for mask in masks if mask.camera == camera]


def _text(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PrivacyError(f"{name} {path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
