"""A set of labelled pictures: a folder with labels.jsonl, or a plain folder whose file names are the truth (51K12345.png)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alpr.types import ALPHABET, F32
from edge.cameras.spec import PICTURES

FARTHEST_PX = 1e6


class DatasetError(ValueError):
    """A set that cannot be measured on; the message names file and line."""


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """One labelled plate; what is unknown is None."""

    text: str | None
    box: F32 | None


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One picture with its truth."""

    path: Path
    name: str  # as it stands in the labels
    kind: str  # "scene" | "crop"
    plates: tuple[Plate, ...]
    tags: tuple[str, ...]
    country: str
    track: str
    res: str


def load(folder: Path) -> list[Item]:
    """All pictures of a set. Raises DatasetError."""
    labels = folder / "labels.jsonl"
    if labels.is_file():
        return [_item(folder, row, f"{labels}:{number}") for number, row in enumerate(_rows(labels), 1) if row.strip()]
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not paths:
        raise DatasetError(f"{folder}: neither labels.jsonl nor pictures ({', '.join(PICTURES)}) in it")
    return [Item(path, path.name, "crop", (Plate(_named(path), None),), (), "", "", "") for path in map(_opened_by_name, paths)]


def _rows(labels: Path) -> list[str]:
    try:
        return labels.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{labels}: cannot be read: {error}") from error


def _opened_by_name(path: Path) -> Path:
    """OpenCV ends the process where a name is no UTF-8."""
    if str(path).encode("utf-8", "replace").decode() != str(path):
        raise DatasetError(f"{str(path)!r}: expected a name in UTF-8; rename the file")
    return path


def _named(path: Path) -> str:
    text = "".join(char for char in path.stem.upper().split("_")[0] if char in ALPHABET)
    if not text:
        raise DatasetError(f"{path}: the name holds no plate; expected e.g. 51K12345.png")
    return text


def _item(folder: Path, row: str, where: str) -> Item:
    try:
        fields: dict[str, Any] = json.loads(row)
        kind = fields["kind"]
        plates = tuple(Plate(_text(plate.get("text")), _box(plate.get("box"))) for plate in fields["plates"])
        tags, country = tuple(fields.get("tags", ())), fields.get("country", "")
        path = _opened_by_name(folder / fields["image"])
        item = Item(path, fields["image"], kind, plates, tags, country, fields.get("track", ""), fields.get("res", ""))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise DatasetError(f"{where}: cannot be used: {type(error).__name__}: {error!s:.300}") from error
    if kind not in ("scene", "crop"):
        raise DatasetError(f"{where}: kind is {kind!r}, expected 'scene' or 'crop'")
    return item


def _text(text: Any) -> str | None:
    if not isinstance(text, str | None):
        raise ValueError(f"text is a {type(text).__name__}, expected text in quotes")
    return text


def _box(box: Any) -> F32 | None:
    if box is None:
        return None
    corners = np.array(box, np.float64).reshape(4)
    if not (np.abs(corners) < FARTHEST_PX).all():
        raise ValueError(f"box is {corners.tolist()}, expected four numbers of pixels")
    return corners.astype(np.float32)
