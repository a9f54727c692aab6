"""Which vehicles of a list are found in poor reads: by the lattice's probability, by equal text, and by an edit distance of one.

Rendered vehicles pass in a few small frames each: listed ones, strangers, and near neighbours whose plate differs from a listed one by a
character. Thresholds are chosen on one seed, so that no more of the others are taken for listed than a target, and judged on another seed
with another list.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpr import metrics
from alpr.matching import Matcher
from alpr.syntax import Grammar
from alpr.types import PlateCrop, Vote
from alpr.vote import vote
from edge.gate import quality
from edge.lists import PlateList
from edge.loop import Loop
from tools.evaluate.frames import DRAWN_PX, poor_frames

CHOOSE, REPORT = 20_264, 20_265
LISTED = 1000
FRAMES = 3
LINES_PX = (8.0, 18.0)
COUNTRIES, SHARES = ("VN", "TW", "BR"), (0.6, 0.2, 0.2)
NEIGHBOURS = 0.1
"""Of the vehicles that are not listed, so many differ from a listed one by a character."""
TARGETS = (1e-2, 1e-3, 2.5e-4)


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One vehicle: its plate, whether that is listed, and what the unit made of it."""

    text: str
    kind: str  # listed | neighbour | stranger
    vote: Vote


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What a way says of each pass: the plate of the list that it names, and how sure it is; -inf where it names none."""

    plates: tuple[str, ...]
    scores: NDArray[np.float64]


Way = Callable[[Sequence[Pass]], Verdicts]
LATTICE = "lattice"
DEFAULT: float = next(field.default for field in fields(PlateList) if field.name == "least")
"""The config's `least`, where a list has none of its own."""


def rows(loop: Loop, args: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for every others-mix, target and way, judged on REPORT; what no threshold was chosen for has target "none", or "default"."""
    chosen, told = (driven(loop, seed, args.passes) for seed in (CHOOSE, REPORT))
    ways = [ways_of(plates, loop.judge.grammar) for plates, _ in (chosen, told)]
    made = []
    for others in (("stranger",), ("stranger", "neighbour")):
        before, after = ([each for each in passes if each.kind in ("listed", *others)] for _, passes in (chosen, told))
        for name in ways[0]:
            choosing, judged = ways[0][name](before), ways[1][name](after)
            limits = {"none": -np.inf} if name != LATTICE else {"default": DEFAULT}
            limits |= {f"{target:g}": threshold(choosing, before, target) for target in TARGETS}
            made += [row(" and ".join(others), target, name, limit, judged, after) for target, limit in limits.items()]
    return made


def ways_of(listed: Sequence[str], grammar: Grammar) -> dict[str, Way]:
    return {
        "equal text": by_distance(listed, 0),
        "edit distance 1": by_distance(listed, 1),
        LATTICE: by_lattice(listed, grammar),
    }


def by_distance(listed: Sequence[str], most: int) -> Way:
    """The nearest plate within an edit distance of 0 or 1: equal ones first, then by the vote's probability."""
    index: dict[str, set[str]] = {}
    for plate in listed:
        for part in shortened(plate):
            index.setdefault(part, set()).add(plate)

    def nearest(read: str) -> tuple[int, str]:
        near = {plate for part in shortened(read) for plate in index.get(part, ())}
        return min(((metrics.edit_distance(plate, read), plate) for plate in near), default=(most + 1, ""))

    def verdicts(passes: Sequence[Pass]) -> Verdicts:
        found = [nearest(each.vote.plate) for each in passes]
        scores = [most - far + each.vote.score if far <= most else -np.inf for (far, _), each in zip(found, passes, strict=True)]
        return Verdicts(tuple(plate for _, plate in found), np.array(scores))

    return verdicts


def shortened(text: str) -> set[str]:
    """A text, and it without each of its characters: two texts an edit apart have one of these in common."""
    return {text, *(text[:i] + text[i + 1 :] for i in range(len(text)))}


def by_lattice(listed: Sequence[str], grammar: Grammar) -> Way:
    matcher = Matcher(listed, grammar)

    def verdicts(passes: Sequence[Pass]) -> Verdicts:
        found = [matcher(each.vote) for each in passes]
        best = [int(each.argmax()) for each in found]
        return Verdicts(tuple(listed[i] for i in best), np.array([each[i] for each, i in zip(found, best, strict=True)]))

    return verdicts


def threshold(verdicts: Verdicts, passes: Sequence[Pass], target: float) -> float:
    """The score above which no more than `target` of the vehicles that are not listed are taken for listed."""
    false = np.sort(verdicts.scores[[each.kind != "listed" for each in passes]])[::-1]
    return float(false[int(target * len(false))])


def row(others: str, target: str, way: str, limit: float, verdicts: Verdicts, passes: Sequence[Pass]) -> dict[str, Any]:
    hits = verdicts.scores > limit
    listed = np.array([each.kind == "listed" for each in passes])
    same = np.array([plate == each.text for plate, each in zip(verdicts.plates, passes, strict=True)])
    true = metrics.share(int((hits & listed & same).sum()), int(listed.sum()))
    false = metrics.share(int((hits & ~listed).sum()), int((~listed).sum()))
    read = sum(each.vote.plate == each.text for each in passes if each.kind == "listed")
    return {
        "seed": REPORT, "list": LISTED, "frames": FRAMES, "others": others, "target": target, "way": way, "above": f"{limit:.4g}",
        "listed": true.n, "read_exactly": round(read / true.n, 4),
        "true": round(true.value, 4), "true_low": round(true.low, 4), "true_high": round(true.high, 4),
        "not_listed": false.n, "false": round(false.value, 5), "false_low": round(false.low, 5), "false_high": round(false.high, 5),
        "wrong_plate": int((hits & listed & ~same).sum()),
    }  # fmt: skip


def driven(loop: Loop, seed: int, count: int) -> tuple[list[str], list[Pass]]:
    """A list, and the vehicles that pass: a quarter of them listed."""
    from training.synth import glyphs

    rng = np.random.default_rng(seed)
    faces = glyphs.faces(np.random.default_rng(seed), strokes=12)
    listed: dict[str, Any] = {}
    while len(listed) < LISTED:
        layout = plate_of(rng)
        listed[layout.text] = layout
    passes = []
    for number in range(count):
        own = np.random.default_rng([seed, number])
        kind = "listed" if number % 4 == 0 else "neighbour" if own.random() < NEIGHBOURS else "stranger"
        layout = plate_of(own) if kind == "stranger" else listed[str(own.choice(list(listed)))]
        layout = neighbour(own, layout) if kind == "neighbour" else layout
        crops = crops_of(own, faces, layout)
        read = vote(loop.reader(crops), [quality(crop) for crop in crops], loop.judge.grammar)
        passes.append(Pass(layout.text, "listed" if layout.text in listed else kind, read))
        if sys.stderr.isatty():
            print(f"\rseed {seed}: {number + 1} of {count} passes", end="", file=sys.stderr, flush=True)
    return list(listed), passes


def plate_of(rng: np.random.Generator) -> Any:
    """A plate's layout."""
    from training.synth import layouts

    return layouts.sample(rng, (str(rng.choice(COUNTRIES, p=SHARES)),))


def neighbour(rng: np.random.Generator, layout: Any) -> Any:
    """The layout with one digit exchanged for another, or one letter."""
    from training.synth import layouts

    places = [(i, j) for i, line in enumerate(layout.lines) for j, char in enumerate(line) if char.isascii() and char.isalnum()]
    i, j = places[int(rng.integers(len(places)))]
    line = layout.lines[i]
    others = (layouts.DIGITS if line[j].isdigit() else layouts.LETTERS).replace(line[j], "")
    changed = line[:j] + str(rng.choice(list(others))) + line[j + 1 :]
    return replace(layout, lines=(*layout.lines[:i], changed, *layout.lines[i + 1 :]))


def crops_of(rng: np.random.Generator, faces: Any, layout: Any) -> list[PlateCrop]:
    """A plate in FRAMES small frames."""
    from training.synth import plates

    plate = plates.render_plate(rng, faces, layout, line_px=DRAWN_PX)
    return poor_frames(rng, plate.bgr, float(np.exp(rng.uniform(*np.log(LINES_PX)))), FRAMES)
