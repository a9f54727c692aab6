"""Check the learned step by truth: does text survive it, and do its styles differ?

python -m training.cyclegan.check --model models/degradation.onnx --reader models/reader.onnx --csv results/cyclegan-check.csv

Readable: the share of rendered plates that the reader reads exactly before, after the mildest third of the styles, and after any.
Diverse: how far two styles make one plate from each other, by how far two plates are in one style; 0 would be collapse.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from alpr import contract, decode
from alpr.imaging import ONE_LINE_PX, resize, tensor
from alpr.types import F32, U8
from training.cyclegan import data
from training.degradation.learned import LearnedDegradation
from training.run import append_metrics

Rng = np.random.Generator
Row = dict[str, str | int | float]
MILD = 1 / 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.cyclegan.check", description="Does text survive, and do styles differ?")
    parser.add_argument("--model", type=Path, required=True, help="degradation.onnx, its contract and styles beside it")
    parser.add_argument("--styles", type=Path, help="the bank, if it is not beside the model")
    parser.add_argument("--reader", type=Path, default=Path("models/reader.onnx"))
    parser.add_argument("--plates", type=int, default=400)
    parser.add_argument("--csv", type=Path, help="append the rows to this file")
    parser.add_argument("--seed", type=int, default=11)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    learned = LearnedDegradation(args.model, args.styles or args.model.with_name(f"{args.model.stem}-styles.npy"))
    plates, texts = data.rendered_plates(rng, args.plates)
    hashes = {name: contract.sha256_of(path)[:8] for name, path in (("model", args.model), ("reader", args.reader))}
    for row in [*readable(rng, learned, reader(args.reader), plates, texts), *diverse(rng, learned, plates)]:
        print(row)
        if args.csv:
            append_metrics(args.csv, {**row, "plates": "rendered, loose crops", **hashes})


def readable(rng: Rng, learned: LearnedDegradation, read: Callable[[U8], str], plates: Sequence[U8], texts: Sequence[str]) -> list[Row]:
    """The share read exactly: as they are, on LPSR's canvas without a degradation, and in a style each, from more and more of the bank."""
    ways: dict[str, Callable[[U8], U8]] = {
        "before": lambda bgr: bgr,
        "canvas alone": lambda bgr: resize(bgr, data.canvas_of(bgr)),
        "mildest third": lambda bgr: learned(bgr, learned.draw(rng, MILD)),
        "mildest two thirds": lambda bgr: learned(bgr, learned.draw(rng, 2 * MILD)),
        "any style": lambda bgr: learned(bgr, learned.draw(rng)),
    }
    rows = []
    for name, way in ways.items():
        right = sum(read(way(bgr)) == text for bgr, text in zip(plates, texts, strict=True))
        rows.append({"check": "read exactly", "condition": name, "n": len(plates), "value": right / len(plates)})
    return rows


def diverse(rng: Rng, learned: LearnedDegradation, plates: Sequence[U8], most: int = 40, styles: int = 12) -> list[Row]:
    """Mean absolute differences, 0..255, of pictures on one canvas: between styles, between plates, and of one style with itself."""
    seen = [resize(bgr, ONE_LINE_PX) for bgr in plates[:most]]
    chosen = learned.styles[rng.permutation(len(learned.styles))[:styles]]
    made = np.stack([[learned(bgr, style) for style in chosen] for bgr in seen]).astype(np.float32)  # (plates, styles, h, w, 3)
    again = np.stack([learned(seen[0], style) for style in chosen])
    between_styles = float(np.mean([_apart(row) for row in made]))
    between_plates = float(np.mean([_apart(row) for row in made.transpose(1, 0, 2, 3, 4)]))
    values = {
        "two styles of a plate": between_styles,
        "two plates in a style": between_plates,
        "styles by plates": between_styles / between_plates,
        "a style again": float(np.abs(made[0] - again).mean()),
    }
    pairs = len(seen) * len(chosen) * (len(chosen) - 1) // 2
    return [{"check": "diversity", "condition": name, "n": pairs, "value": value} for name, value in values.items()]


def reader(path: Path) -> Callable[[U8], str]:
    """The released reader, by its contract: a picture BGR uint8 → its text."""
    said = contract.load(path.with_suffix(".yaml"))
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(said.path), options, providers=["CPUExecutionProvider"])

    def read(bgr: U8) -> str:
        lattice, two_lines = session.run(list(said.outputs), {said.input.name: tensor([bgr], said.input.size_px)})
        return decode.read(lattice[0], float(two_lines[0])).text

    return read


def _apart(pictures: F32) -> float:
    """Mean absolute difference over all pairs of (n, h, w, 3)."""
    return float(np.mean([np.abs(a - b).mean() for i, a in enumerate(pictures) for b in pictures[:i]]))


if __name__ == "__main__":
    main()
