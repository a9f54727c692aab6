"""A sheet of spoilt plates to look at: a row per severity and a column per sample, or a column per effect.

python -m training.degradation.preview --out sheet.png [--images DIR] [--severity 0.3 0.6 1.0] [--effects]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from alpr.types import U8
from training.degradation import hybrid, steps
from training.degradation.steps import Step

Rng = np.random.Generator
CELL_PX = (160, 52)
LABEL_PX = 12
ALONE: tuple[Callable[[Rng, float, float], Step], ...] = (*(make for _, make in hybrid.STEPS), steps.slant)
"""What has a column of its own; slant is an effect, though no part of the recipe."""


def rendered(rng: Rng, count: int) -> list[U8]:
    """One-line plates drawn straight on."""
    from training.synth import glyphs, layouts, plates

    faces = glyphs.faces(rng, strokes=6)
    one_line = (layout for layout in iter(lambda: layouts.sample(rng), None) if len(layout.lines) == 1)
    return [plates.render_plate(rng, faces, next(one_line), line_px=CELL_PX[1] - LABEL_PX).bgr for _ in range(count)]


def loaded(folder: Path, count: int) -> list[U8]:
    """The first pictures of a folder, or of its images/."""
    paths = [
        path
        for place in (folder, folder / "images")
        for path in sorted(place.glob("*"))
        if path.suffix.lower() in (".png", ".jpg", ".jpeg")
    ]
    pictures = [cv2.imread(str(path)) for path in paths[:count]]
    if not pictures or any(picture is None for picture in pictures):
        raise ValueError(f"{folder}: expected pictures (.png, .jpg) that can be read, there or in images/; found {len(paths)} names")
    return pictures  # type: ignore[return-value]


def of_recipes(rng: Rng, pictures: list[U8], severities: list[float]) -> U8:
    """Rows: the pictures as they are, then one severity each."""
    rows = [[cell(picture, "as it is") for picture in pictures]]
    for severity in severities:
        recipes = [hybrid.recipe(rng, CELL_PX[1] - LABEL_PX, severity) for _ in pictures]
        rows.append([cell(hybrid.replay(fitted(p), r), f"{severity:g}") for p, r in zip(pictures, recipes, strict=True)])
    return sheet(rows)


def of_effects(rng: Rng, pictures: list[U8], severities: list[float]) -> U8:
    """A column per effect, a row per severity."""
    rows = []
    for number, severity in enumerate(severities):
        picture = fitted(pictures[number % len(pictures)])
        made = [(make.__name__, make(rng, CELL_PX[1] - LABEL_PX, severity)) for make in ALONE]
        rows.append([cell(hybrid.replay(picture, (step,)), f"{name} {severity:g}") for name, step in made])
    return sheet(rows)


def fitted(bgr: U8) -> U8:
    """At the sheet's line height, so that severities mean the same for all."""
    scale = min(CELL_PX[0] / bgr.shape[1], (CELL_PX[1] - LABEL_PX) / bgr.shape[0])
    size = max(8, round(bgr.shape[1] * scale)), max(8, round(bgr.shape[0] * scale))
    return cv2.resize(bgr, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)  # type: ignore[return-value]


def cell(bgr: U8, label: str) -> U8:
    whole = np.full((CELL_PX[1], CELL_PX[0], 3), 32, np.uint8)
    picture = fitted(bgr)
    whole[LABEL_PX : LABEL_PX + picture.shape[0], : picture.shape[1]] = picture
    cv2.putText(whole, label, (2, LABEL_PX - 3), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (255, 255, 255), 1, cv2.LINE_AA)
    return whole


def sheet(rows: list[list[U8]]) -> U8:
    return np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Draw a sheet of degraded plates.")
    parser.add_argument("--out", type=Path, required=True, help="the picture to write")
    parser.add_argument("--images", type=Path, help="plates to spoil; without it they are rendered")
    parser.add_argument("--severity", type=float, nargs="+", default=[0.25, 0.5, 0.75, 1.0])
    parser.add_argument("--columns", type=int, default=6, help="samples side by side")
    parser.add_argument("--effects", action="store_true", help="one column per effect instead")
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args(arguments)
    rng = np.random.default_rng(wanted.seed)
    pictures = loaded(wanted.images, wanted.columns) if wanted.images else rendered(rng, wanted.columns)
    draw = of_effects if wanted.effects else of_recipes
    if not cv2.imwrite(str(wanted.out), draw(rng, pictures, wanted.severity)):
        raise OSError(f"cannot write {wanted.out}")


if __name__ == "__main__":
    main()
