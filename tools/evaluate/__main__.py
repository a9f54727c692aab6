"""What enhancement and several frames are worth, as tables.

python -m tools.evaluate lpsr --clean-reader runs/ocr-clean/checkpoint.pt --csv results/lpsr-worth-rendered.csv --sheet docs/lpsr.png
python -m tools.evaluate frames --csv results/several-frames-rendered.csv
python -m tools.evaluate tracks DATA/dev/br-sr-tracks --csv results/tracks-br.csv
python -m tools.evaluate passes --csv results/passes-rendered.csv
python -m tools.evaluate lists --csv results/lists-rendered.csv
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    from edge.config import load
    from edge.unit import loop_from
    from tools.evaluate import frames, lists, lpsr, passes, tracks

    loop = loop_from(load(args.config, {"cameras": [{"id": "none", "source": str(args.config)}]}))
    ways = {"lpsr": lpsr.rows, "frames": frames.rows, "passes": passes.rows, "tracks": tracks.rows, "lists": lists.rows}
    rows = ways[args.what](loop, args)
    write(args.csv, rows)
    print(table(rows))
    return 0


def write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows for a person: columns as wide as what stands in them."""
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.evaluate", description="What enhancement and several frames are worth.")
    what = parser.add_subparsers(dest="what", required=True)
    lpsr = what.add_parser("lpsr", help="a frozen degraded set, read as it is and enhanced, by a clean plates' reader and by ours")
    lpsr.add_argument("--clean-reader", type=Path, required=True, help="checkpoint of a reader trained with --hardest 0")
    lpsr.add_argument("--count", type=int, default=2000)
    lpsr.add_argument("--calibrate", type=int, default=400, help="plates that the severity is chosen by")
    lpsr.add_argument("--sheet", type=Path, help="write a picture of wins, losses and plates that stay unread")
    frames = what.add_parser("frames", help="rendered tracks: one frame, voted characters, fused pixels")
    frames.add_argument("--tracks", type=int, default=200, help="at each line height")
    tracks = what.add_parser("tracks", help="a labelled set with tracks: single frames and voted")
    tracks.add_argument("dir", type=Path)
    passes = what.add_parser("passes", help="rendered vehicles coming nearer: what the unit publishes of them")
    passes.add_argument("--passes", type=int, default=300)
    lists = what.add_parser("lists", help="vehicles of a list found in poor reads: by the lattice's probability and by edit distance")
    lists.add_argument("--passes", type=int, default=6000, help="vehicles that pass, for each of two seeds; a quarter of them are listed")
    for command in (lpsr, frames, tracks, passes, lists):
        command.add_argument("--config", type=Path, default=Path("config.yaml"), help="names the released models")
        command.add_argument("--csv", type=Path, required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main())
