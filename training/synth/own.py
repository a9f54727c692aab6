"""A country that no release has seen, to try fine-tuning with: stencilled white letters on violet, a zero with a bar, a pattern of its own.

    python -m training.synth.own --out runs/own --train 300 --test 300

Writes train/ and test/: degraded crops whose names are their texts, as a user's own would be.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from alpr.types import U8
from training.degradation import hybrid
from training.synth import glyphs, plates, views
from training.synth.glyphs import MASK_PX, Face
from training.synth.layouts import Layout, fill

VIOLET, INK = (120, 30, 70), (240, 240, 240)
PATTERN = "9AA 99A9"
BRIDGE = 0.07
"""Height of the gap that a stencil leaves in every glyph, per its height."""


def main(arguments: list[str] | None = None) -> None:
    args = _arguments(arguments)
    for part, (name, count) in enumerate((("train", args.train), ("test", args.test))):
        folder = args.out / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, (text, bgr) in zip(range(count), crops(np.random.default_rng([args.seed, part])), strict=False):
            if not cv2.imwrite(str(folder / f"{text}_{number:04d}.png"), bgr):
                raise OSError(f"{folder}: cannot be written; is there room, and may this user write there?")


def crops(rng: np.random.Generator, severity: float = 0.6) -> Iterator[tuple[str, U8]]:
    """Texts and their crops without end, spoilt up to a severity."""
    face = stencil(rng)
    while True:
        layout = Layout("", (fill(rng, PATTERN),), 4.3, INK, VIOLET, (face.name,))
        plate = plates.render_plate(rng, {face.name: face, "stroke-0": face}, layout, line_px=44)
        seen = views.view(rng, plate.bgr, views.RECTIFIED if rng.random() < 0.6 else views.LOOSE).bgr
        yield plate.text, hybrid.replay(seen, hybrid.recipe(rng, 44, severity * rng.random()))


def stencil(rng: np.random.Generator) -> Face:
    """A wide stroke face, cut through by a bridge at a third or two thirds of its height; its zero has a bar inside."""
    barred = {"0": ".2 .8,.8 .2", "7": ".1 .55,.95 .55", "Z": ".1 .5,.9 .5"}
    forms = {**glyphs.STROKES, **{char: [*glyphs.STROKES[char], bar] for char, bar in barred.items()}}
    solid = glyphs.stroke_face("own", 0.6, 0.15, 0.2, forms)
    masks = {}
    for char, mask in solid.masks.items():
        cut, middle, half = mask.copy(), round(MASK_PX * float(rng.choice([0.33, 0.67]))), round(MASK_PX * BRIDGE / 2)
        cut[middle - half : middle + half] = 0
        masks[char] = cut
    return Face("own", masks)


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.synth.own", description="Plates of a country that no release has seen.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--train", type=int, default=300)
    parser.add_argument("--test", type=int, default=300)
    parser.add_argument("--seed", type=int, default=77)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
