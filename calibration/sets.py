"""Pictures to measure on: a rendered set from its manifest, or a folder of labelled ones. A folder is measured on and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from alpr.imaging import check_quad, quad_from_box, rectify
from alpr.types import ALPHABET, F32, U8
from calibration.evaluation import Set
from calibration.select import Manifest, pictures


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
    for number, line in enumerate(labels.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            bgr = _picture(path / row["image"])
            crops += _crops(row, bgr)
            if row["kind"] == "scene" and all("box" in plate for plate in row["plates"]):
                scenes.append((bgr, np.array([plate["box"] for plate in row["plates"]], np.float32).reshape(-1, 4)))
        except (ValueError, KeyError, TypeError) as error:
            raise SetError(f"{labels}:{number}: cannot be used: {type(error).__name__}: {error}") from error
    return Set(path.name, tuple(crops), tuple(scenes))


def _crops(row: Mapping[str, Any], bgr: U8) -> Iterator[tuple[U8, str]]:
    for plate in row["plates"]:
        text = "".join(char for char in plate.get("text") or "" if char in ALPHABET)
        if text:
            yield _cut(row["kind"], plate, bgr), text


def _cut(kind: str, plate: Mapping[str, Any], bgr: U8) -> U8:
    """A plate straightened by its corners, else a scene's cut by its box, else the crop as it is."""
    quad = np.array(plate["quad"], np.float32) if "quad" in plate else None
    if quad is None and kind == "crop":
        return bgr
    if quad is None:
        quad = quad_from_box(np.array(plate["box"], np.float32))
    check_quad(quad, bgr.shape[:2])
    return rectify(bgr, quad)


def _picture(path: Path) -> U8:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{path} cannot be decoded as a picture")
    return bgr  # type: ignore[return-value]
