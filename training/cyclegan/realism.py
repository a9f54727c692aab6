"""How real made plates look: the held-out AUC of a small classifier, trained anew for each way of making them. Lower is more real.

python -m training.cyclegan.realism --data DATA/train --model models/degradation.onnx --csv results/cyclegan-realism.csv

Real are the plates-poor, made are degraded plates-sharp of the same source; every fifth of each is held out (of the CycleGAN's training
too), and both stand gray on LPSR's canvases. What plates are in the two sets still differs; the row `content alone` says how much
of an AUC that gives: sharp and poor plates, untouched, both at an eighth of the canvas, where hardly any blur is left to tell.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from alpr import contract
from alpr.imaging import ONE_LINE_PX, resize
from alpr.types import U8
from training.cyclegan import classifier, data
from training.cyclegan.classifier import Pictures
from training.degradation import hybrid
from training.degradation.learned import LearnedDegradation
from training.run import append_metrics

Rng = np.random.Generator
Way = Callable[[U8, Rng], U8]
MARGIN = 0.2
"""Of a crop around its plate's box, per side of the plate."""
CANVASES = (ONE_LINE_PX, data.two_line_px(ONE_LINE_PX))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.cyclegan.realism", description="How real made plates look.")
    parser.add_argument("--data", type=Path, required=True, help="folder of plates-sharp and plates-poor")
    parser.add_argument("--model", type=Path, required=True, help="degradation.onnx, its contract and styles beside it")
    parser.add_argument("--severity", type=float, nargs=2, default=(0.0, 1.1), help="of the classical recipe, drawn evenly between")
    parser.add_argument("--steps", type=int, default=250, help="of each classifier's training")
    parser.add_argument("--seeds", type=int, default=3, help="classifiers for each way")
    parser.add_argument("--csv", type=Path, help="append the rows to this file")
    args = parser.parse_args()
    torch.set_num_threads(1)
    learned = LearnedDegradation(args.model, args.model.with_name(f"{args.model.stem}-styles.npy"))
    sets = {held_out: _one_source(args.data, held_out) for held_out in (False, True)}
    for name, way in ways(learned, tuple(args.severity)).items():
        areas = [_area(sets, way, name == "content alone", args.steps, seed) for seed in range(args.seeds)]
        row = {"way": name, "auc": float(np.mean(areas)), "auc_min": min(areas), "auc_max": max(areas), "seeds": args.seeds,
               "steps": args.steps, "severity": "{}-{}".format(*args.severity), "held_out_sharp": len(sets[True][0]),
               "held_out_poor": len(sets[True][1]), "model": contract.sha256_of(args.model)[:8]}  # fmt: skip
        print(row, flush=True)
        if args.csv:
            append_metrics(args.csv, row)


def ways(learned: LearnedDegradation, severity: tuple[float, float]) -> dict[str, Way]:
    """What is done to a sharp crop: nothing, the hybrid recipe, the learned step, and the step at a random place of the recipe."""

    def classical(bgr: U8, rng: Rng) -> U8:
        return hybrid.replay(bgr, hybrid.recipe(rng, line_px(bgr), rng.uniform(*severity)))

    def both(bgr: U8, rng: Rng) -> U8:
        recipe = hybrid.recipe(rng, line_px(bgr), rng.uniform(*severity))
        at = int(rng.integers(len(recipe) + 1))
        return hybrid.replay(learned(hybrid.replay(bgr, recipe[:at]), rng), recipe[at:])

    return {
        "content alone": lambda bgr, rng: bgr,
        "sharp": lambda bgr, rng: bgr,
        "classical": classical,
        "learned": learned,
        "classical + learned": both,
    }


def line_px(bgr: U8) -> float:
    """About how high a line of text's ground is in a crop: without the margins, and half of it where there are two lines."""
    return bgr.shape[0] / (1 + 2 * MARGIN) / (1 if data.canvas_of(bgr) == ONE_LINE_PX else 1.9)


def _area(sets: dict[bool, tuple[list[U8], list[U8]]], way: Way, coarse: bool, steps: int, seed: int) -> float:
    """Train one classifier, and its AUC on the plates held out. Two degradations of each sharp plate."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    shown = {
        held_out: (_gray(poor, coarse), _gray([way(bgr, rng) for bgr in sharp for _ in range(2)], coarse))
        for held_out, (sharp, poor) in sets.items()
    }
    return classifier.score(classifier.train(*shown[False], rng, steps), *shown[True])


def _gray(pictures: list[U8], coarse: bool) -> Pictures:
    """Pictures by their canvas, gray (n, 1, h, w) in 0..1; `coarse`: through an eighth of the canvas."""
    out: dict[tuple[int, int], torch.Tensor] = {}
    for canvas in CANVASES:
        drawn = [resize(bgr, canvas) for bgr in pictures if data.canvas_of(bgr) == canvas]
        small = [resize(resize(bgr, (canvas[0] // 8, canvas[1] // 8)), canvas) for bgr in drawn] if coarse else drawn
        out[canvas] = (
            torch.stack([data.tensor(bgr, canvas) for bgr in small]).mean(1, keepdim=True) if small else torch.empty(0, 1, *canvas)
        )
    return out


def _one_source(folder: Path, held_out: bool) -> tuple[list[U8], list[U8]]:
    """Sharp and poor crops of the source that most poor ones are from."""
    poor, sources = data.labelled(folder / "plates-poor", held_out)
    most = Counter(sources).most_common(1)[0][0]
    sharp, sharp_sources = data.labelled(folder / "plates-sharp", held_out)
    kept = [[bgr for bgr, source in zip(*part, strict=True) if source == most] for part in ((sharp, sharp_sources), (poor, sources))]
    return kept[0], kept[1]


if __name__ == "__main__":
    main()
