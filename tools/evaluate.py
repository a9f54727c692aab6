"""What LPSR is worth: a frozen set of degraded plates, read as they are and enhanced, by a reader that never saw a poor plate and by ours.

    python -m tools.evaluate --clean-reader runs/ocr-clean/checkpoint.pt --csv results/lpsr-worth-rendered.csv --sheet docs/lpsr.png

The set is rendered from a seed, so that it is the same everywhere. Its severity is chosen by the clean reader alone: the one at which it
reads 27 % of the plates as they are, which is where the work that this project starts from stood (26.86 %, and 46.57 % with LPSR).
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpr import metrics
from alpr.metrics import Answer
from alpr.types import U8, PlateCrop, Read

SEED = 20_261
SHARE = 0.27
LINES_PX = (14, 44)
"""Heights of one line of text, before anything is degraded."""


@dataclass(frozen=True, slots=True, eq=False)
class Poor:
    """One degraded plate: the same seed gives the same bytes."""

    crop: PlateCrop
    text: str
    line_px: float


Reader = Callable[[Sequence[PlateCrop]], list[str]]


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    from edge.config import load
    from edge.unit import loop_from

    loop = loop_from(load(args.config, {"cameras": [{"id": "none", "source": str(args.config)}]}))
    clean = _torch_reader(args.clean_reader)
    ours: Reader = lambda crops: [_text(read) for crop in crops for read in loop.reader([crop])]  # noqa: E731
    severity = hardness(clean, args.calibrate)
    plates = list(frozen(severity, args.count))
    print(f"severity {severity:.3f}: {len(plates)} plates, seed {SEED}")
    crops = [plate.crop for plate in plates]
    enhanced = loop.enhancer(crops)
    gated = [better if loop.gate.manner(crop).value == "enhance" else crop for crop, better in zip(crops, enhanced, strict=True)]
    rows = []
    for name, reader in (("clean", clean), ("released", ours)):
        before = reader(crops)
        for way, seen in (("as it is", crops), ("enhanced", enhanced), ("gate decides", gated)):
            rows += list(table(name, way, plates, before, before if seen is crops else reader(seen)))
    _write(args.csv, severity, rows)
    if args.sheet:
        draw(args.sheet, plates, enhanced, ours(crops), ours(enhanced))
    return 0


def hardness(reader: Reader, count: int) -> float:
    """The severity at which a reader reads SHARE of the plates, by bisection on the first `count` of them."""
    low, high = 0.0, 4.0
    for _ in range(7):
        middle = (low + high) / 2
        plates = list(frozen(middle, count))
        right = np.mean([text == plate.text for text, plate in zip(reader([p.crop for p in plates]), plates, strict=True)])
        low, high = (middle, high) if right > SHARE else (low, middle)
    return (low + high) / 2


def frozen(severity: float, count: int) -> Iterator[Poor]:
    """The set at a severity: plates of every country at every height, rectified, each with its own recipe."""
    from training.degradation import hybrid
    from training.synth import glyphs, plates, views

    faces = glyphs.faces(np.random.default_rng(SEED), strokes=40)
    for i in range(count):
        rng = np.random.default_rng([SEED, i])
        line_px = float(rng.uniform(*LINES_PX))
        plate = plates.render_plate(rng, faces, line_px=round(line_px))
        seen = views.view(rng, plate.bgr, views.RECTIFIED)
        bgr: U8 = hybrid.replay(seen.bgr, hybrid.recipe(rng, line_px, severity * rng.uniform(0.5, 1.0)))
        height = float(plate.bgr.shape[0])
        yield Poor(PlateCrop(bgr, seen.quad, height, i, 0), plate.text, height / plate.lines)


def table(reader: str, way: str, plates: Sequence[Poor], before: Sequence[str], after: Sequence[str]) -> Iterator[dict[str, object]]:
    """Rows of one reader and one way of seeing: all plates, and by height of a line."""
    for group, low, high in (("all", 0.0, 1e9), ("line under 20 px", 0.0, 20.0), ("20-30 px", 20.0, 30.0), ("30 px and more", 30.0, 1e9)):
        rows = [(p, a, b) for p, a, b in zip(plates, before, after, strict=True) if low <= p.line_px < high]
        answers = [Answer(plate.text, text) for plate, _, text in rows]
        exact = metrics.accuracy(answers)
        yield {
            "reader": reader,
            "seen": way,
            "group": group,
            "n": len(rows),
            "exact": round(exact.value, 4),
            "low": round(exact.low, 4),
            "high": round(exact.high, 4),
            "cer": round(metrics.character_error_rate(answers), 4),
            "turned_right": round(sum(a != p.text == b for p, a, b in rows) / max(1, len(rows)), 4),
            "turned_wrong": round(sum(a == p.text != b for p, a, b in rows) / max(1, len(rows)), 4),
        }


def draw(path: Path, plates: Sequence[Poor], enhanced: Sequence[PlateCrop], before: Sequence[str], after: Sequence[str]) -> None:
    """Three columns: wins, plates turned wrong, plates that stay unread; each as it is and enhanced, with what is read."""
    import cv2

    won, lost, still = ([i for i, p in enumerate(plates) if (before[i] == p.text, after[i] == p.text) == kind] for kind in KINDS)
    cells = [[_cell(plates[i], enhanced[i], before[i], after[i]) for i in kind[:8]] for kind in (won, lost, still)]
    blank = np.full((70, 420, 3), 40, np.uint8)
    columns = [np.vstack((column + [blank] * 8)[:8]) for column in cells]
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), np.hstack(columns)):
        raise OSError(f"{path}: cannot be written")


KINDS = ((False, True), (True, False), (False, False))


def _cell(plate: Poor, better: PlateCrop, before: str, after: str) -> U8:
    import cv2

    cell = np.full((70, 420, 3), 40, np.uint8)
    for x, bgr, text in ((4, plate.crop.bgr, before), (214, better.bgr, after)):
        scale = min(200 / bgr.shape[1], 46 / bgr.shape[0])
        small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        cell[2 : 2 + small.shape[0], x : x + small.shape[1]] = small
        colour = (120, 220, 120) if text == plate.text else (110, 110, 240)
        cv2.putText(cell, text or "-", (x, 64), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
    return cell


def _torch_reader(checkpoint: Path) -> Reader:
    import torch

    from alpr.decode import read
    from alpr.imaging import tensor
    from training.ocr.checkpoint import averaged

    net = averaged(checkpoint)

    @torch.no_grad()
    def texts(crops: Sequence[PlateCrop]) -> list[str]:
        batches = (crops[i : i + 64] for i in range(0, len(crops), 64))
        lattices = (torch.softmax(net(torch.from_numpy(tensor([c.bgr for c in batch], (64, 128))))[0], -1).numpy() for batch in batches)
        return [read(lattice, 0.0).text for part in lattices for lattice in part]

    return texts


def _text(read: Read) -> str:
    return read.text


def _write(path: Path, severity: float, rows: Sequence[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=["seed", "severity", *rows[0]])
        writer.writeheader()
        writer.writerows({"seed": SEED, "severity": round(severity, 4), **row} for row in rows)
    for row in rows:
        if row["group"] == "all":
            print(
                f"{row['reader']:9} {row['seen']:13} exact {row['exact']:.2%} ({row['low']:.2%}-{row['high']:.2%})  CER {row['cer']:.2%}",
                end="  ",
            )
            print(f"turned right {row['turned_right']:.2%}, wrong {row['turned_wrong']:.2%}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.evaluate", description="What LPSR is worth on a frozen degraded set.")
    parser.add_argument("--clean-reader", type=Path, required=True, help="checkpoint of a reader trained with --hardest 0")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="names the released models")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--calibrate", type=int, default=400, help="plates that the severity is chosen by")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--sheet", type=Path, help="write a picture of wins, losses and plates that stay unread")
    return parser


if __name__ == "__main__":
    sys.exit(main())
