"""One row of a set → its picture: a plate as a detector's crop shows it, or a street with a further plate in it.

A row holds all that was chosen (stratum, seed, degradation recipe), so that the picture comes out the same, bit for bit, wherever the
same code, fonts and OpenCV are. Everything is rendered: no path leads from a photograph into a calibration set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import count

import numpy as np

from alpr.imaging import resize
from alpr.types import F32, U8
from calibration.strata import Stratum, layout
from training.degradation import hybrid, steps
from training.synth import paste, street, views
from training.synth.glyphs import Face
from training.synth.plates import RenderedPlate, render_plate

Rng = np.random.Generator
SIZES_PX = ((640, 400), (640, 480), (480, 480), (720, 405))
"""(w, h) of scenes, in turn: the shapes of cameras that units have."""
LEAST_DRAWN_PX = 20
"""Glyphs are drawn at least so high, and shrunk by area afterwards as a lens does it."""
RECTIFIED = 0.6
NIGHTS = (steps.infrared, steps.underexposed)


@dataclass(frozen=True, slots=True)
class Row:
    """One picture of a set, before it is drawn."""

    kind: str  # "crop" | "scene"
    seed: tuple[int, ...]
    country: str
    lines: int
    line_px: float
    severity: float
    hour: str  # "day" | "night"
    recipe: hybrid.Recipe
    size_px: tuple[int, int] = (0, 0)  # (w, h) of a scene
    digest: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A drawn row with its truth."""

    bgr: U8
    texts: tuple[str, ...]
    boxes: F32  # (n, 4) of a scene's plates; a crop has none

    @property
    def digest(self) -> str:
        """What says that it came out the same again."""
        return sha256(repr(self.bgr.shape).encode() + self.bgr.tobytes()).hexdigest()[:16]


def crop_row(stratum: Stratum, seed: tuple[int, ...]) -> Row:
    """Choose what a crop of a stratum is made of."""
    rng = np.random.default_rng([*seed, 1])
    line_px, severity = float(rng.uniform(*stratum.line_px)), float(rng.uniform(*stratum.severity))
    recipe = hybrid.recipe(rng, line_px, severity)
    if stratum.hour == "night":  # a road at night is lit by the camera's own infrared light, or hardly
        recipe = (NIGHTS[int(rng.integers(len(NIGHTS)))](rng, line_px, max(severity, 0.3)), *recipe)
    return Row("crop", seed, stratum.country, stratum.lines, line_px, severity, stratum.hour, recipe)


def scene_row(stratum: Stratum, seed: tuple[int, ...], size_px: tuple[int, int]) -> Row:
    """Choose what a scene of a stratum is made of: the first street of this seed at that hour."""
    rng = np.random.default_rng([*seed, 1])
    line_px, severity = float(rng.uniform(*stratum.line_px)), float(rng.uniform(*stratum.severity))
    recipe = hybrid.recipe(rng, line_px, severity)
    tried = ((*seed, attempt) for attempt in count())
    fitting = next(each for each in tried if _is_day(each, size_px) is (stratum.hour == "day"))
    return Row("scene", fitting, stratum.country, stratum.lines, line_px, severity, stratum.hour, recipe, size_px)


def draw(row: Row, faces: Mapping[str, Face]) -> Picture:
    """The picture of a row."""
    return _crop(row, faces) if row.kind == "crop" else _scene(row, faces)


def _crop(row: Row, faces: Mapping[str, Face]) -> Picture:
    rng = np.random.default_rng(row.seed)
    plate = _plate(rng, row, faces)
    seen = views.view(rng, plate.bgr, views.RECTIFIED if rng.random() < RECTIFIED else views.LOOSE).bgr
    return Picture(hybrid.replay(seen, row.recipe), (plate.text,), np.zeros((0, 4), np.float32))


def _scene(row: Row, faces: Mapping[str, Face]) -> Picture:
    """A rendered street, and a plate of the stratum pasted into it, clear of the others."""
    rng = np.random.default_rng(row.seed)
    seen = street.populated(rng, faces, street.random_setting(rng, row.size_px), [])
    plate, bgr = _plate(rng, row, faces), seen.bgr.copy()
    hidden = np.concatenate([seen.hidden.min(axis=1), seen.hidden.max(axis=1)], axis=1) if len(seen.hidden) else np.zeros((0, 4))
    quad = paste.add_plate(bgr, plate.bgr, float(plate.bgr.shape[1]), np.concatenate([seen.boxes, hidden]).astype(np.float32), rng)
    texts, boxes = seen.texts, seen.boxes
    if quad is not None:
        texts = (*texts, plate.text)
        boxes = np.concatenate([boxes, [[*quad.min(axis=0), *quad.max(axis=0)]]])
    return Picture(hybrid.replay(bgr, row.recipe), texts, boxes.astype(np.float32))


def _plate(rng: Rng, row: Row, faces: Mapping[str, Face]) -> RenderedPlate:
    """A plate whose line of text is as high as the row says."""
    drawn_px = max(LEAST_DRAWN_PX, round(row.line_px))
    plate = render_plate(rng, faces, layout(rng, row.country, row.lines), line_px=drawn_px)
    height, width = (max(4, round(side * row.line_px / drawn_px)) for side in plate.bgr.shape[:2])
    return RenderedPlate(resize(plate.bgr, (height, width)), plate.text, plate.country, plate.lines)


def _is_day(seed: tuple[int, ...], size_px: tuple[int, int]) -> bool:
    return street.random_setting(np.random.default_rng(seed), size_px).light.hour == "day"
