"""The whole loop over networks that give anything: nothing is raised, and every event that comes out is one that a consumer takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

import alpr
from alpr.contract import Contract, InputSpec
from alpr.decode import BLANK
from alpr.syntax import Grammar
from alpr.types import ALPHABET, F32, Frame
from edge.detector import Detector
from edge.engines import Engine
from edge.enhancer import Enhancer
from edge.events import Place, describe, seal
from edge.gate import Gate, GateRules
from edge.judge import Judge, JudgeRules
from edge.loop import Loop
from edge.reader import Reader
from edge.tracker import TrackerRules
from tests.alpr.lattices import lattice
from tests.edge.plates import IDENTITY
from tests.fuzz.decode import poked, pokes, seeds
from tests.fuzz.target import Check, Target
from tools.watch.inbox import Inbox

PLATES = ("51F73420", "59L213938", "30K55555")
REGIONS = Path(alpr.__file__).parent / "regions"


class Anything:
    """A network that gives what a good one gives, but for some numbers."""

    def __init__(self, kind: str, size_px: tuple[int, int], rng: np.random.Generator, at: list[tuple[int, float]]) -> None:
        spec = InputSpec("x", size_px, 32 if kind == "detection" else 1)
        self.contract = Contract(Path(kind), kind, kind, "1", "", "", spec, (), ALPHABET, (), {})
        self._kind, self._rng, self._at = kind, rng, at

    def __call__(self, tensor: F32) -> dict[str, F32]:
        assert np.isfinite(tensor).all() and tensor.min() >= 0 and tensor.max() <= 1
        out = getattr(self, f"_{self._kind}")(len(tensor), tensor.shape[2:])
        for number, (index, value) in enumerate(self._at):
            if self._rng.random() < 0.5:
                poked(list(out.values())[number % len(out)], [(index, value)])
        return out

    def close(self) -> None:
        pass

    def _detection(self, count: int, size_px: tuple[int, int]) -> dict[str, F32]:
        """Two plates that drift, and a third now and then."""
        height, width = size_px
        corner = np.array([[0.2, 0.3], [0.5, 0.6], [0.7, 0.1]]) + self._rng.normal(0, 0.01, (3, 2))
        boxes = np.concatenate([corner, corner + np.array([0.2, 0.12])], 1) * (width, height, width, height)
        quads = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]] + self._rng.normal(0, 1, (3, 8))
        scores = np.array([0.9, 0.8, self._rng.random()])
        return {name: np.float32(each)[None] for name, each in (("scores", scores), ("boxes", boxes), ("quads", quads))}

    def _ocr(self, count: int, size_px: tuple[int, int]) -> dict[str, F32]:
        rows = [lattice(PLATES[int(self._rng.integers(3))], float(self._rng.uniform(0.2, 0.999))) for _ in range(count)]
        return {"probabilities": np.stack(rows).reshape(count, 10, BLANK + 1), "two_lines": self._rng.random(count, np.float32)}

    def _sr(self, count: int, size_px: tuple[int, int]) -> dict[str, F32]:
        return {"enhanced": self._rng.random((count, 3, *size_px), np.float32)}


def loop(folder: Path) -> Check:
    grammar = Grammar.load(REGIONS, ["VN"])
    inbox, numbers = Inbox(), iter(range(1, 1 << 62))

    def check(given: tuple[int, int, list[tuple[int, float]], list[tuple[int, float]], list[tuple[int, float]]]) -> bool:
        seed, frames, *odd = given
        rng = np.random.default_rng(seed)
        made = _loop(rng, grammar, odd)
        events = [event for frame in _frames(rng, frames) for event in _through(made, made.see(frame))]
        events += _through(made, made.last_sightings())
        for event in events:
            body = seal(describe(event, IDENTITY), Place("0f" * 16, 1, next(numbers)))
            assert len(inbox.take([body])) == 1, inbox.complaints
        return bool(events)

    return check


def _loop(rng: np.random.Generator, grammar: Grammar, odd: list[list[tuple[int, float]]]) -> Loop:
    engines: list[Engine] = [
        Anything(kind, size_px, rng, at)
        for (kind, size_px), at in zip((("detection", (160, 160)), ("sr", (32, 192)), ("ocr", (64, 128))), odd, strict=True)
    ]
    finds, sharpens, reads = Detector(engines[0], 0.1), Enhancer(engines[1]), Reader(engines[2])
    return Loop(finds, sharpens, reads, Gate(GateRules(gap_ns=0)), Judge(grammar, JudgeRules()), TrackerRules())


def _frames(rng: np.random.Generator, count: int) -> list[Frame]:
    pictures = rng.integers(0, 256, (count, 90, 160, 3), np.uint8)
    return [Frame(bgr, "road", n, 1 + n * 40_000_000, 1.7e9 + n, 1 + n * 40_000_000) for n, bgr in enumerate(pictures)]


def _through(made: Loop, sightings: Any) -> list[Any]:
    return [event for first in sightings for second in made.enhance(first) for third in made.read(second) for event in made.vote(third)]


TARGETS = (Target("loop", st.tuples(seeds, st.integers(1, 8), pokes, pokes, pokes), loop, quick=50),)
