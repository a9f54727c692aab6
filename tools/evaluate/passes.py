"""Whole passes of vehicles: rendered plates that come nearer, through gate, LPSR, reader and judge as in the daemon; what was published?

What the judge asks of a vote was chosen here, on plates that no clip and no labelled set holds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from alpr.types import U8, PlateCrop, Track
from edge.gate import Action
from edge.judge import Sighted
from edge.loop import Job, Loop, Sighting

SEED = 20_263
FPS = 25
NEAREST_PX = (8.0, 22.0)
"""Heights that a line of text has when the plate is nearest."""
BUCKETS = ((8, 11), (11, 15), (15, 22))


@dataclass(frozen=True, slots=True)
class Pass:
    """A plate's crops, frame after frame."""

    text: str
    nearest_px: float
    crops: tuple[PlateCrop, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the unit made of a pass; "" where it said nothing."""

    truth: Pass
    early: str
    final: str


def rows(loop: Loop, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Drive the passes, and count."""
    outcomes = []
    for number in range(args.passes):
        outcomes.append(drive(loop, number, rendered(number)))
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {args.passes} passes", end="", file=sys.stderr, flush=True)
    return table(outcomes)


def table(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """A row for all, and one for each range of heights that occurs."""
    groups = {f"{low}-{high} px": [each for each in outcomes if low <= each.truth.nearest_px < high] for low, high in BUCKETS}
    return [_row(name, members) for name, members in {"all": outcomes, **groups}.items() if members]


def rendered(number: int) -> Pass:
    """One plate coming nearer: a motion blur and a light of its own, noise and codec anew in every frame, now and then a smeared frame."""
    from training.degradation import hybrid, steps
    from training.synth import glyphs, layouts, plates, views

    rng = np.random.default_rng([SEED, number])
    faces = glyphs.faces(np.random.default_rng(SEED), strokes=12)
    country = str(rng.choice(sorted(set(layouts.WEIGHTS) - {"any"})))
    plate = plates.render_plate(rng, faces, layouts.sample(rng, (country,) if rng.random() < 0.6 else ("VN",)), line_px=44)
    nearest_px = float(np.exp(rng.uniform(*np.log(NEAREST_PX))))
    far_px, frames = nearest_px * rng.uniform(0.4, 0.8), int(rng.integers(30, 70))
    common = (steps.motion(rng, 44, rng.uniform(0, 0.6)), steps.exposure(rng, 44, 0.6))
    pose = views.Pose(0.8, 0.015, 0.012, (0.02, 0.1))
    crops = []
    for frame in range(frames):
        smear = (steps.motion(rng, 44, 1.2),) if rng.random() < 0.12 else ()
        seen = hybrid.replay(views.view(rng, plate.bgr, pose).bgr, (*common, *smear))
        line_px = far_px * (nearest_px / far_px) ** (frame / (frames - 1)) * rng.uniform(0.97, 1.03)
        scale = line_px / 44
        small: U8 = cv2.resize(seen, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        codec = (steps.blocking(rng, line_px, 0.5),) if rng.random() < 0.5 else ()
        small = hybrid.replay(small, (steps.noise(rng, line_px, 0.5), steps.jpeg(rng, line_px, 0.5), *codec))
        crops.append(PlateCrop(small, _quad(small), float(small.shape[0]), frame, frame * 10**9 // FPS))
    return Pass(plate.text, nearest_px, tuple(crops))


def drive(loop: Loop, number: int, truth: Pass) -> Outcome:
    """The daemon's own callables, but for the detector and the tracker: every crop is seen."""
    camera, said = f"pass {number}", {"early": "", "final": ""}
    track = None
    for crop in truth.crops:
        track = _track(crop, track)
        action = loop.gate.decide(camera, track, crop, crop.captured_ns)
        if action in (Action.READ, Action.ENHANCE):
            _hear(loop, _sighting(camera, crop, (Job(track, crop, action is Action.ENHANCE),), ()), said)
    assert track is not None
    _hear(loop, _sighting(camera, truth.crops[-1], (), (track,)), said)
    return Outcome(truth, said["early"], said["final"])


def _hear(loop: Loop, sighting: Sighting, said: dict[str, str]) -> None:
    for event in _through(loop, sighting):
        said[event.type] = event.vote.plate


def _through(loop: Loop, sighting: Sighting) -> Iterator[Any]:
    for enhanced in loop.enhance(sighting):
        for read in loop.read(enhanced):
            yield from loop.vote(read)


def _sighting(camera: str, crop: PlateCrop, jobs: tuple[Job, ...], ended: tuple[Track, ...]) -> Sighting:
    return Sighting(Sighted(camera, crop.captured_ns, 0.0, (1280, 720)), crop.captured_ns, jobs, ended, {})


def _quad(bgr: U8) -> np.ndarray:
    height, width = bgr.shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def _track(crop: PlateCrop, before: Track | None) -> Track:
    box = np.array([0, 0, *crop.quad[2]], np.float32)
    hits, first_ns = (before.hits + 1, before.first_ns) if before else (1, crop.captured_ns)
    return Track(1, box, crop.quad, 0.7, first_ns, crop.captured_ns, hits, (50.0, 50.0), 40.0 * hits, None)


def _row(name: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    def count(kind: str, right: bool) -> int:
        said = [(getattr(each, kind), each.truth.text) for each in outcomes if getattr(each, kind)]
        return sum((text == truth) is right for text, truth in said)

    counts = {"final_right": count("final", True), "final_wrong": count("final", False)}
    early = {"early_right": count("early", True), "early_wrong": count("early", False)}
    return {"seed": SEED, "nearest": name, "passes": len(outcomes), **counts, "unread": sum(not each.final for each in outcomes), **early}
