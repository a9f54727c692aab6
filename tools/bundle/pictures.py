"""The self-test's pictures: plates rendered from a seed, and frames of the rendered clip. Nobody's plate is in a release."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from alpr.types import U8
from edge.release import ReleaseError

SEED: Final = 20
LINE_PX: Final = 40
WEAR: Final = 0.4
FRAMES: Final = (168, 491, 295, 769, 577, 104)
"""Of samples/street.mp4: each with one large plate or more, by day and at dusk, of one line and of two."""
LEAST_LINE_PX: Final = 16.0
WHOLE: Final = 0.97


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A picture and the texts that are in it."""

    name: str
    kind: str  # "crop" or "scene", as edge.release.selftest has them
    bgr: U8
    truth: tuple[str, ...]


def rendered(root: Path, countries: Sequence[str], crops: int, scenes: int) -> Iterator[Rendered]:
    """The same pictures from the same seed, fonts and library versions."""
    yield from _crops(tuple(countries), crops)
    yield from _scenes(root / "samples/street.mp4", FRAMES[:scenes])


def _crops(countries: tuple[str, ...], count: int) -> Iterator[Rendered]:
    from training.synth import glyphs, layouts, plates, views

    rng = np.random.default_rng(SEED)
    faces = glyphs.faces(rng)
    known = tuple(code for code in countries if code in layouts.MAKERS) or None
    for number in range(count):
        plate = plates.render_plate(rng, faces, layouts.sample(rng, known), LINE_PX, WEAR)
        yield Rendered(f"crop-{number:02d}.png", "crop", views.view(rng, plate.bgr, views.RECTIFIED).bgr, (plate.text,))


def _scenes(clip: Path, numbers: Sequence[int]) -> Iterator[Rendered]:
    vehicles = {each["id"]: each for each in json.loads(clip.with_suffix(".truth.json").read_text(encoding="utf-8"))["vehicles"]}
    quads = json.loads(gzip.decompress(clip.with_suffix(".quads.json.gz").read_bytes()))
    capture = cv2.VideoCapture(str(clip))
    for number in numbers:
        capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        there, bgr = capture.read()
        if not there:
            raise ReleaseError(f"{clip}: frame {number} cannot be decoded")
        truth = sorted(vehicles[name]["text"] for name, quad in quads[str(number)].items() if _readable(quad, vehicles[name]))
        yield Rendered(f"scene-{number:03d}.png", "scene", bgr, tuple(truth))  # type: ignore[arg-type]


def _readable(quad: Sequence[float], vehicle: dict[str, Any]) -> bool:
    """Large and whole enough that a release must read it."""
    corners, share = np.array(quad[:8]).reshape(4, 2), quad[8]
    height_px = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1)[[0, 2]].mean()
    return bool(share >= WHOLE and height_px / vehicle["lines"] >= LEAST_LINE_PX)
