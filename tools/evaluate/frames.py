"""Several poor frames of one plate: one alone, characters voted, pixels fused, and both; on rendered tracks of known height."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from alpr import metrics
from alpr.metrics import Answer
from alpr.types import F32, U8, PlateCrop
from alpr.vote import vote
from edge.gate import quality
from edge.loop import Loop

SEED = 20_262
FRAMES = 5
LINES_PX = (7, 9, 11, 14, 18)
DRAWN_PX = 44
"""Height of a line as it is drawn, before the camera makes it small."""
SCALE = 3
"""Fused pictures are so much larger than the largest frame: frames between pixels of each other hold more than one of them."""
Ways = dict[str, Callable[[Sequence[PlateCrop]], str]]


def rows(loop: Loop, args: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for every height and way."""
    ways = _ways(loop)
    made = []
    for line_px in LINES_PX:
        tracks = [track(line_px, i) for i in range(args.tracks)]
        for name, way in ways.items():
            answers = [Answer(text, way(crops)) for text, crops in tracks]
            exact = metrics.accuracy(answers)
            shares = {"exact": round(exact.value, 4), "low": round(exact.low, 4), "high": round(exact.high, 4)}
            cer = round(metrics.character_error_rate(answers), 4)
            made.append({"seed": SEED, "frames": FRAMES, "line_px": line_px, "way": name, "n": len(answers), **shares, "cer": cer})
    return made


def track(line_px: int, number: int) -> tuple[str, list[PlateCrop]]:
    """One plate in FRAMES frames: other places between the pixels, angles and noise; one blur, light and codec for all, as of one pass."""
    from training.synth import glyphs, plates

    rng = np.random.default_rng([SEED, line_px, number])
    faces = glyphs.faces(np.random.default_rng(SEED), strokes=12)
    plate = plates.render_plate(rng, faces, line_px=DRAWN_PX)
    return plate.text, poor_frames(rng, plate.bgr, line_px, FRAMES)


def poor_frames(rng: np.random.Generator, plate: U8, line_px: float, count: int) -> list[PlateCrop]:
    """A plate, whose lines are DRAWN_PX high, in small frames: one blur and light for all; place, angle, noise and codec anew in each."""
    from training.degradation import hybrid, steps
    from training.synth import views

    pose = views.Pose(0.8, 0.015, 0.012, (0.02, 0.1))
    common = (steps.motion(rng, DRAWN_PX, 0.5), steps.exposure(rng, DRAWN_PX, 0.6))
    crops = []
    for frame in range(count):
        seen = hybrid.replay(views.view(rng, plate, pose).bgr, common)
        scale = line_px / DRAWN_PX * rng.uniform(0.95, 1.05)
        small: U8 = cv2.resize(seen, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        small = hybrid.replay(small, (steps.noise(rng, line_px, 0.5), steps.jpeg(rng, line_px, 0.4)))
        crops.append(PlateCrop(small, np.zeros((4, 2), np.float32), float(small.shape[0]), frame, 0))
    return crops


def fused(crops: Sequence[PlateCrop]) -> PlateCrop:
    """The mean of all frames, each brought onto the sharpest one; a frame that cannot be is left out.

    Source of the alignment: ECC, Evangelidis and Psarakis, PAMI 2008, as OpenCV has it.
    """
    first, *others = sorted(crops, key=lambda crop: -quality(crop))
    height, width = (SCALE * side for side in first.bgr.shape[:2])
    base = _enlarged(first.bgr, (height, width))
    total, count = base.copy(), 1
    for crop in others:
        aligned = _onto(base, _enlarged(crop.bgr, (height, width)))
        if aligned is not None:
            total, count = total + aligned, count + 1
    return PlateCrop(np.clip(total / count + 0.5, 0, 255).astype(np.uint8), first.quad, first.height_px, first.frame, 0)


def _onto(base: F32, other: F32) -> F32 | None:
    warp = np.eye(2, 3, dtype=np.float32)
    rule = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    try:
        quality_of_fit, warp = cv2.findTransformECC(_gray(base), _gray(other), warp, cv2.MOTION_AFFINE, rule, None, 5)
    except cv2.error:  # ECC says so where it does not converge
        return None
    if quality_of_fit < 0.6:
        return None
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(other, warp, base.shape[1::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _enlarged(bgr: U8, size_px: tuple[int, int]) -> F32:
    return cv2.resize(bgr, size_px[::-1], interpolation=cv2.INTER_CUBIC).astype(np.float32)


def _gray(bgr: F32) -> U8:
    return cv2.cvtColor(np.clip(bgr, 0, 255).astype(np.uint8), cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]


def _ways(loop: Loop) -> Ways:
    """What is done with a track's crops → a text, before any grammar."""

    def read(crops: Sequence[PlateCrop]) -> str:
        return vote(loop.reader(crops), [quality(crop) for crop in crops], loop.judge.grammar).raw

    def best(crops: Sequence[PlateCrop]) -> PlateCrop:
        return max(crops, key=quality)

    return {
        "best frame": lambda crops: read([best(crops)]),
        "best frame, enhanced too": lambda crops: read([best(crops), *loop.enhancer([best(crops)])]),
        "voted": read,
        "voted, enhanced too": lambda crops: read([*crops, *loop.enhancer(crops)]),
        "pixels fused": lambda crops: read([fused(crops)]),
        "voted, fused too": lambda crops: read([*crops, fused(crops)]),
    }
