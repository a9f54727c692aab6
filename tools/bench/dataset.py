"""A set of labelled pictures: a folder with labels.jsonl, or a plain folder whose file names are the truth (51K12345.png)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alpr.types import ALPHABET, F32
from edge.cameras.spec import PICTURES


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
        rows = enumerate(labels.read_text(encoding="utf-8").splitlines(), 1)
        return [_item(folder, row, f"{labels}:{number}") for number, row in rows if row.strip()]
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not paths:
        raise DatasetError(f"{folder}: neither labels.jsonl nor pictures ({', '.join(PICTURES)}) in it")
    return [Item(path, path.name, "crop", (Plate(_named(path), None),), (), "", "", "") for path in paths]


def _named(path: Path) -> str:
    text = "".join(char for char in path.stem.upper().split("_")[0] if char in ALPHABET)
    if not text:
        raise DatasetError(f"{path}: the name holds no plate; expected e.g. 51K12345.png")
    return text


def _item(folder: Path, row: str, where: str) -> Item:
    try:
        fields: dict[str, Any] = json.loads(row)
        kind = fields["kind"]
        plates = tuple(Plate(plate.get("text"), _box(plate.get("box"))) for plate in fields["plates"])
        tags, country = tuple(fields.get("tags", ())), fields.get("country", "")
        item = Item(folder / fields["image"], fields["image"], kind, plates, tags, country, fields.get("track", ""), fields.get("res", ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{where}: cannot be used: {type(error).__name__}: {error}") from error
    if kind not in ("scene", "crop"):
        raise DatasetError(f"{where}: kind is {kind!r}, expected 'scene' or 'crop'")
    return item


def _box(box: Any) -> F32 | None:
    return None if box is None else np.array(box, np.float32).reshape(4)
