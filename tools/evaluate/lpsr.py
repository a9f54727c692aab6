"""LPSR on the frozen set: read as it is, enhanced, and as the gate decides; by a reader that never saw a poor plate and by ours."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from alpr import metrics
from alpr.metrics import Answer
from alpr.types import PlateCrop
from edge.gate import Action
from edge.loop import Loop
from tools.evaluate.frozen import SEED, Poor, Reader, frozen, hardness
from tools.evaluate.sheet import draw

HEIGHTS_PX = (("line under 20 px", 0.0, 20.0), ("line 20-30 px", 20.0, 30.0), ("line 30 px and more", 30.0, 1e9))
FEWEST = 30
"""Smaller groups say nothing."""


def rows(loop: Loop, args: argparse.Namespace) -> list[dict[str, Any]]:
    """The table; writes the sheet where one is asked for."""
    clean = torch_reader(args.clean_reader)
    severity = hardness(clean, args.calibrate)
    plates = list(frozen(severity, args.count))
    crops = [plate.crop for plate in plates]
    enhanced = [better for crop in crops for better in loop.enhancer([crop])]
    gated = [better if loop.gate.manner(crop) is Action.ENHANCE else crop for crop, better in zip(crops, enhanced, strict=True)]
    ours, voted = _reader_of(loop), _voter_of(loop)
    made: list[dict[str, Any]] = []
    for name, reader in (("clean plates'", clean), ("released", ours)):
        before = reader(crops)
        for way, seen in (("as it is", crops), ("enhanced", enhanced), ("gate decides", gated)):
            made += table(name, way, plates, before, before if seen is crops else reader(seen))
    before = ours(crops)
    made += table("released", "gate decides, both vote", plates, before, voted(crops, gated))
    if args.sheet:
        draw(args.sheet, plates, enhanced, before, ours(enhanced))
    return [{"seed": SEED, "severity": round(severity, 4), **row} for row in made]


def table(reader: str, way: str, plates: Sequence[Poor], before: Sequence[str], after: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of one reader and one way of seeing: all plates, then by height of a line, country, and kind of degradation."""
    for group, member in groups(plates):
        chosen = [(p, a, b) for p, a, b in zip(plates, before, after, strict=True) if member(p)]
        answers = [Answer(plate.text, text) for plate, _, text in chosen]
        exact = metrics.accuracy(answers)
        yield {
            "reader": reader,
            "seen": way,
            "group": group,
            "n": len(chosen),
            "exact": round(exact.value, 4),
            "low": round(exact.low, 4),
            "high": round(exact.high, 4),
            "cer": round(metrics.character_error_rate(answers), 4),
            "turned_right": round(sum(a != p.text == b for p, a, b in chosen) / max(1, len(chosen)), 4),
            "turned_wrong": round(sum(a == p.text != b for p, a, b in chosen) / max(1, len(chosen)), 4),
        }


def groups(plates: Sequence[Poor]) -> Iterator[tuple[str, Callable[[Poor], bool]]]:
    """A name and who belongs to it; those of fewer than FEWEST are left out."""
    yield "all", lambda plate: True
    for name, low, high in HEIGHTS_PX:
        yield name, lambda plate, low=low, high=high: low <= plate.line_px < high
    for country in sorted({plate.country for plate in plates}):
        if sum(plate.country == country for plate in plates) >= FEWEST:
            yield f"country {country or 'none'}", lambda plate, country=country: plate.country == country
    for effect in sorted({effect for plate in plates for effect in plate.effects}):
        if sum(effect in plate.effects for plate in plates) >= FEWEST:
            yield f"with {effect}", lambda plate, effect=effect: effect in plate.effects


def _reader_of(loop: Loop) -> Reader:
    return lambda crops: [read.text for crop in crops for read in loop.reader([crop])]


def _voter_of(loop: Loop) -> Callable[[Sequence[PlateCrop], Sequence[PlateCrop]], list[str]]:
    """What the unit does with a single frame: the source votes, and its enhanced twin where the gate made one."""
    from alpr.vote import vote
    from edge.gate import weight

    def said(source: PlateCrop, seen: PlateCrop) -> str:
        crops = [source] if seen is source else [source, seen]
        return vote(loop.reader(crops), [weight(crop, source) for crop in crops], loop.judge.grammar).raw

    return lambda sources, seen: [said(a, b) for a, b in zip(sources, seen, strict=True)]


def torch_reader(checkpoint: Path) -> Reader:
    """A reader straight from its training, not quite as released ones are: no temperature, no contract."""
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
