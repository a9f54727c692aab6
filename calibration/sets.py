"""Pictures to measure on: a rendered set from its manifest, or a folder of labelled ones. A folder is measured on and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from alpr.imaging import check_quad, quad_from_box, rectify
from alpr.types import ALPHABET, F32, U8
from calibration.evaluation import Set
from calibration.select import Manifest, pictures

FARTHEST_PX = 1e6


class SetError(ValueError):
    """A folder that cannot be measured on; the message names file and line."""


def rendered(manifest: Manifest, kind: str) -> Set:
    """A set drawn again: its scenes for a model of kind `detection`, its crops for any other."""
    if kind == "detection":
        return Set(f"rendered {manifest.part}", (), tuple((each.bgr, each.boxes) for each in pictures(manifest, "scene")))
    return Set(f"rendered {manifest.part}", tuple((each.bgr, each.texts[0]) for each in pictures(manifest, "crop")), ())


def folder(path: Path) -> Set:
    """`labels.jsonl` and its pictures: a row's `kind`, `plates` with `text`, `box`, `quad`. Raises SetError.

    Plates of known text become crops (cut from a scene by their corners or box); scenes count for AP50 where every plate has a box.
    """
    labels = path / "labels.jsonl"
    if not labels.is_file():
        raise SetError(f"{labels}: not there; expected a folder with images/ and labels.jsonl")
    crops: list[tuple[U8, str]] = []
    scenes: list[tuple[U8, F32]] = []
    for number, line in enumerate(_lines(labels), 1):
        try:
            row = json.loads(line)
            bgr = _picture(path / row["image"])
            crops += _crops(row, bgr)
            if row["kind"] == "scene" and all("box" in plate for plate in row["plates"]):
                scenes.append((bgr, _boxes(row["plates"])))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, cv2.error) as error:
            raise SetError(f"{labels}:{number}: cannot be used: {type(error).__name__}: {error!s:.300}") from error
    return Set(path.name, tuple(crops), tuple(scenes))


def _lines(labels: Path) -> list[str]:
    try:
        return labels.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SetError(f"{labels}: cannot be read: {error}") from error


def _boxes(plates: Sequence[Mapping[str, Any]]) -> F32:
    return _pixels([plate["box"] for plate in plates]).reshape(-1, 4)


def _pixels(numbers: Any) -> F32:
    found = np.array(numbers, np.float64)
    if not (np.abs(found) < FARTHEST_PX).all():
        raise ValueError(f"box or quad is {found.tolist()}, expected numbers of pixels")
    return found.astype(np.float32)


def _crops(row: Mapping[str, Any], bgr: U8) -> Iterator[tuple[U8, str]]:
    for plate in row["plates"]:
        text = "".join(char for char in plate.get("text") or "" if char in ALPHABET)
        if text:
            yield _cut(row["kind"], plate, bgr), text


def _cut(kind: str, plate: Mapping[str, Any], bgr: U8) -> U8:
    """A plate straightened by its corners, else a scene's cut by its box, else the crop as it is."""
    quad = _pixels(plate["quad"]) if "quad" in plate else None
    if quad is None and kind == "crop":
        return bgr
    if quad is None:
        quad = quad_from_box(_pixels(plate["box"]))
    check_quad(quad, bgr.shape[:2])
    return rectify(bgr, quad)


def _picture(path: Path) -> U8:
    try:
        data = np.fromfile(path, np.uint8)  # by cv2.imread, a name that is no UTF-8 ends the process
    except OSError as error:
        raise ValueError(f"{path} cannot be decoded as a picture ({error.strerror})") from error
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if bgr is None:
        raise ValueError(f"{path} cannot be decoded as a picture")
    return bgr  # type: ignore[return-value]
