"""Render pairs for LPSR to disk, in shards: plates as they are, and through a recipe, under one name in hr/ and lr/.

    python -m training.pairs --out DATA/pairs --count 100000 --shard 3/8 [--recipe hybrid|classical] [--severities 0 1.1]

Picture i is the same whatever the shards: it is drawn from (seed, i). The text is the name up to the first "_"; recipes lie in
recipes-3-of-8.jsonl, so that a picture can be made again. `python -m training.lpsr --hr_train_dir … --lr_train_dir …` trains on them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from alpr.types import U8
from training.degradation import classical, hybrid
from training.degradation.hybrid import Recipe
from training.synth import glyphs, plates, views

RECIPES = {"hybrid": hybrid.recipe, "classical": classical.recipe}
REPORT_EVERY = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One plate, clean and degraded, BGR uint8 of one size."""

    name: str
    hr: U8
    lr: U8
    recipe: Recipe


def main(arguments: list[str] | None = None) -> None:
    args = _arguments(arguments)
    faces = glyphs.faces(np.random.default_rng(args.seed), strokes=40)
    for folder in ("hr", "lr"):
        (args.out / folder).mkdir(parents=True, exist_ok=True)
    part, parts = args.shard
    wanted = range(part - 1, args.count, parts)
    with (args.out / f"recipes-{part}-of-{parts}.jsonl").open("w", encoding="utf-8") as recipes:
        for done, made in enumerate(rendered(wanted, args.seed, faces, args.recipe, tuple(args.severities)), 1):
            _write(args.out / "hr" / f"{made.name}.png", made.hr)
            _write(args.out / "lr" / f"{made.name}.png", made.lr)
            recipes.write(json.dumps({"name": made.name, "recipe": hybrid.save(made.recipe)}) + "\n")
            if done % REPORT_EVERY == 0 or done == len(wanted):
                print(f"{done} of {len(wanted)}", flush=True)


def rendered(numbers: range, seed: int, faces: dict[str, glyphs.Face], recipe: str, severities: tuple[float, float]) -> Iterator[Pair]:
    """The pairs of these numbers, each from its own generator."""
    for number in numbers:
        rng = np.random.default_rng([seed, number])
        plate = plates.render_plate(rng, faces, line_px=40)
        hr = views.view(rng, plate.bgr, views.RECTIFIED if rng.random() < 0.75 else views.LOOSE).bgr
        line_px = plate.bgr.shape[0] / (1.9 if plate.lines == 2 else 1)
        drawn = RECIPES[recipe](rng, line_px, rng.uniform(*severities))
        yield Pair(f"{plate.text}_{number:07d}", hr, hybrid.replay(hr, drawn), drawn)


def _write(path: Path, bgr: U8) -> None:
    if not cv2.imwrite(str(path), bgr):
        raise OSError(f"{path}: cannot be written; is there room, and may this user write there?")


def _shard(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a shard and how many there are, such as 3/8")
    return int(part), int(parts)


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.pairs", description="Render pairs for LPSR to disk, in shards.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True, help="pairs of all shards together")
    parser.add_argument("--shard", type=_shard, default=(1, 1), help="which of how many, such as 3/8")
    parser.add_argument("--recipe", choices=RECIPES, default="hybrid")
    parser.add_argument("--severities", type=float, nargs=2, default=(0.0, 1.1), metavar=("LOW", "HIGH"))
    parser.add_argument("--seed", type=int, default=5)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
