"""What height, blur, slant and light cost: rendered cameras through the unit's detector, gate, LPSR and reader, one picture each.

    python -m tests.edge.web.limits --csv results/meter-limits-models-0.2.0.csv

The plate meter's rules (`edge/web/advice`) stand on this table. One picture is the worst case: a passing vehicle gives several, which vote.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from edge.config import load
from edge.still import Stills
from edge.unit import loop_from
from tests.edge.web.road import Aim, Road

ROOT = Path(__file__).parents[3]
PLAIN = Aim(25)


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of camera and how its plates were read."""

    what: str
    value: float
    plates: int
    found: int
    exact: int


def cameras() -> Iterator[tuple[str, float, Aim]]:
    """What is varied, its value, and the camera; all else as in PLAIN."""
    yield from (("height_px", value, replace(PLAIN, height_px=value)) for value in (8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 22.0, 26.0, 32.0))
    for name, heading_deg in (("smear down, of the height", 90.0), ("smear aside, of the height", 0.0)):
        for value in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4):
            yield name, value, replace(PLAIN, speed_px_s=value * PLAIN.height_px, shutter_s=1.0, heading_deg=heading_deg)
    yield from (("slant_deg", value, replace(PLAIN, slant_deg=value)) for value in (5.0, 10.0, 15.0, 20.0, 25.0, 30.0))
    yield from (("lean_deg", value, replace(PLAIN, lean_deg=value)) for value in (10.0, 20.0, 25.0, 30.0, 40.0))
    yield from (
        ("defocus radius, of the height", value, replace(PLAIN, defocus_px=value * PLAIN.height_px)) for value in (0.05, 0.1, 0.15, 0.2)
    )
    yield from (("gain", value, replace(PLAIN, gain=value)) for value in (0.1, 0.2, 0.4, 1.5, 2.0, 3.0))


def tried(road: Road, stills: Stills, what: str, value: float, aim: Aim, plates: int) -> Row:
    found = exact = 0
    for _ in range(plates):
        plate = road.plate()
        bgr, quad = road.shot(aim, plate, (float(road.rng.uniform(220, 420)), float(road.rng.uniform(160, 320))))
        near = [each for each in stills.scene(bgr) if np.linalg.norm(each.quad.mean(axis=0) - quad.mean(axis=0)) < aim.height_px]
        found += bool(near)
        exact += bool(near) and near[0].vote.plate == plate.text
    return Row(what, value, plates, found, exact)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.edge.web.limits", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--csv", type=Path, help="where to write the table as well")
    parser.add_argument("--plates", type=int, default=30, help="of each kind (default: %(default)s)")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    loop = loop_from(load(ROOT / "config.yaml", {"cameras": [{"id": "road", "source": str(ROOT / "samples/street.mp4")}]}))
    stills = Stills.of(loop)
    road = Road(np.random.default_rng(1))
    rows = []
    for what, value, aim in cameras():
        rows.append(tried(road, stills, what, value, aim, args.plates))
        print(f"{what:30} {value:6g}   found {rows[-1].found:3} exact {rows[-1].exact:3} of {args.plates}", flush=True)
    if args.csv:
        with args.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(Row.__slots__)
            writer.writerows([getattr(row, name) for name in Row.__slots__] for row in rows)


if __name__ == "__main__":
    main()
