"""Texts for real crops that nobody has read: the reader's own, kept only where several looks at a crop agree and none is in doubt.

    python -m training.ocr.pseudo --reader runs/ocr/checkpoint.pt --out runs/pseudo.jsonl DATA/train/plates-sharp DATA/train/plates-poor

What it writes goes into `python -m training.ocr --real`. Source: pseudo-labels (Lee, ICML 2013 workshop), with agreement between
views instead of one threshold alone.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from alpr.decode import read
from alpr.imaging import tensor
from alpr.types import U8
from training.ocr.checkpoint import averaged
from training.ocr.network import ReaderNet

LOOKS = ((0.02, 0.02), (0.08, 0.08), (0.14, 0.14), (0.03, 0.12), (0.12, 0.03))
"""Margins around the box, per plate width and height."""
SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Told:
    """What the looks at one crop say together."""

    text: str
    two_lines: bool
    score: float  # the least sure character's probability, averaged over the looks


def main() -> None:
    args = _arguments()
    net, kept, total = averaged(args.reader), 0, 0
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("w", encoding="utf-8") as file:
        for folder in args.sets:
            for row, told in _told(net, folder, args.score):
                total += 1
                if told is None:
                    continue
                kept += 1
                image = os.path.relpath(folder / row["image"], args.out.parent)
                plate = {**row["plates"][0], "text": told.text, "lines": 2 if told.two_lines else 1, "score": round(told.score, 4)}
                file.write(json.dumps({**row, "image": image, "plates": [plate]}, ensure_ascii=False) + "\n")
    print(f"{args.out}: {kept} of {total} crops were read")


def tell(net: ReaderNet, looks: Sequence[U8], least: float) -> Told | None:
    """One text for several pictures of a plate; None where they differ, one is in doubt, or it is no plate's text."""
    with torch.no_grad():
        logits, lines = net(torch.from_numpy(tensor(looks, (64, 128))))
    lattices = torch.softmax(logits, -1).numpy()
    texts = {read(lattice, 0.0).text for lattice in lattices}
    text = texts.pop()
    if texts or len(text) < SHORTEST or not any(char.isdigit() for char in text):
        return None
    score = float(lattices.mean(0).max(-1)[: len(text) + 1].min())
    return Told(text, bool(torch.sigmoid(lines).mean() > 0.5), score) if score >= least else None


def looks(bgr: U8, box: Sequence[float]) -> list[U8]:
    """A plate's crop with each of the margins, cut at the picture's edge."""
    x1, y1, x2, y2 = box
    cuts = []
    for across, along in LOOKS:
        dx, dy = across * (x2 - x1), along * (y2 - y1)
        left, top = max(0, round(x1 - dx)), max(0, round(y1 - dy))
        cuts.append(bgr[top : round(y2 + dy), left : round(x2 + dx)])
    return cuts


def _told(net: ReaderNet, folder: Path, least: float) -> Iterator[tuple[dict, Told | None]]:
    for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        bgr = cv2.imread(str(folder / row["image"]))
        if bgr is None:
            raise ValueError(f"{folder / row['image']}: cannot be decoded as a picture; take its row out of labels.jsonl")
        yield row, tell(net, looks(bgr, row["plates"][0]["box"]), least)  # type: ignore[arg-type]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.ocr.pseudo", description="Read real crops for the reader's own training.")
    parser.add_argument("sets", nargs="+", type=Path, help="folders with labels.jsonl and boxes, no texts needed")
    parser.add_argument("--reader", type=Path, required=True, help="checkpoint.pt or reader.safetensors")
    parser.add_argument("--score", type=float, default=0.9, help="what the least sure character needs")
    parser.add_argument("--out", type=Path, required=True, help="labels to write, one JSON object a line")
    return parser.parse_args()


if __name__ == "__main__":
    main()
