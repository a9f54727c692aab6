"""A labelled set with tracks: how many single frames are read, and how many vehicles when a track's frames vote."""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import Any

import cv2

from alpr import metrics
from alpr.metrics import Answer
from alpr.types import Read
from alpr.vote import vote
from edge.loop import Loop
from edge.still import StillPlate, Stills
from tools.bench.dataset import Item, load

Seen = tuple[Item, StillPlate]


def rows(loop: Loop, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Single and voted, for all frames of a resolution and for each track."""
    stills = Stills.of(loop)
    by_res: dict[str, list[Seen]] = defaultdict(list)
    for item in load(args.dir):
        bgr = cv2.imread(str(item.path), cv2.IMREAD_COLOR)
        if bgr is None:
            raise SystemExit(f"{item.path}: cannot be decoded as a picture; take its row out of labels.jsonl")
        by_res[item.res or "all"].append((item, stills.crop(bgr)))  # type: ignore[arg-type]
    return [row for res, seen in sorted(by_res.items()) for row in _rows(loop, res, seen)]


def _rows(loop: Loop, res: str, seen: list[Seen]) -> list[dict[str, Any]]:
    tracks: dict[str, list[Seen]] = defaultdict(list)
    for item, plate in seen:
        tracks[item.track or item.name].append((item, plate))
    single = [Answer(_truth(item), plate.vote.plate) for item, plate in seen]
    voted = [Answer(_truth(members[0][0]), _voted(loop, members)) for members in tracks.values()]
    return [_row(res, "single frames", single), _row(res, "voted tracks", voted)]


def _voted(loop: Loop, members: list[Seen]) -> str:
    """One vote over every read of every frame, each weighed by its plate's height."""
    reads: list[Read] = [read for _, plate in members for read in plate.reads]
    weights = [plate.height_px for _, plate in members for _ in plate.reads]
    return vote(reads, weights, loop.judge.grammar).plate


def _truth(item: Item) -> str:
    return next(plate.text for plate in item.plates if plate.text)


def _row(res: str, way: str, answers: list[Answer]) -> dict[str, Any]:
    exact = metrics.accuracy(answers)
    shares = {"exact": round(exact.value, 4), "low": round(exact.low, 4), "high": round(exact.high, 4)}
    cer, said = round(metrics.character_error_rate(answers), 4), " ".join(f"{a.truth}:{a.text or '-'}" for a in answers)
    return {"res": res, "way": way, "n": exact.n, "right": exact.hits, **shares, "cer": cer, "reads": said if len(answers) < 10 else ""}
