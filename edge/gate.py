"""Decide what a sighting of a plate is worth: read it as it is, enhance it first, wait for a better frame, or give up.

Reading goes to tracks that are still undecided, and to crops that are no worse than those already read; a decided plate is read
again only from a much better crop. A frame with nothing new to decide costs a detection and nothing more.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum
from math import sqrt

import cv2
import numpy as np

from alpr.imaging import TWO_LINE_ASPECT
from alpr.types import U8, PlateCrop, Track

Key = tuple[str, int]
"""A camera and a track of it."""


ENHANCED_SHARE = 0.5
READABLE_PX = 16.0
"""Height of a line that hides nothing: more adds little."""


class Action(Enum):
    READ = "read"
    ENHANCE = "enhance"
    WAIT = "wait"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class GateRules:
    """When to do what. Line heights are those of one line of text: a two-line plate's height counts half."""

    min_line_px: float = 6.0  # smaller ones hold no characters
    enhance: str = "auto"  # "auto" | "always" | "never"
    enhance_below_px: float = 18.0  # auto: a line smaller than this is enhanced
    enhance_below_sharpness: float = 0.12  # auto: and so is one more blurred than this
    worse: float = 0.75  # a crop below this share of the best one read waits for a better one …
    patience_ns: int = 200_000_000  # … but not longer than this: the best one may have been cut or smeared, and read wrong
    better: float = 1.12  # one above it is read at once
    again: float = 1.3  # a decided plate is read again where a crop is so much better: the final event may still mend an early one
    gap_ns: int = 80_000_000  # otherwise frames so close together are much the same picture
    give_up_reads: int = 30  # of a plate at about one size; one that has come nearer, by `better`, is a new chance
    in_flight: int = 2


@dataclass(slots=True)
class _Progress:
    """What a track has had so far."""

    sent: int = 0
    answered: int = 0
    decided: bool = False
    best: float = 0.0
    height_px: float = 0.0
    tries: int = 0  # sent since the plate was `tried_px` high
    tried_px: float = 0.0
    last_ns: int = -(10**18)


class Gate:
    """Shared by the stage that sends crops and the one that judges reads: its state is behind a lock."""

    def __init__(self, rules: GateRules) -> None:
        self.rules = rules
        self._progress: dict[Key, _Progress] = {}
        self._lock = threading.Lock()

    def wants(self, camera: str, track: Track, height_px: float) -> bool:
        """Whether a crop of this track is worth cutting out at all."""
        with self._lock:
            progress = self._progress.get((camera, track.id))
        if progress is not None:
            if self._spent(progress, height_px):
                return False
            if progress.decided and height_px < self.rules.again * progress.height_px:
                return False
        return height_px >= self.rules.min_line_px

    def decide(self, camera: str, track: Track, crop: PlateCrop, scene_ns: int) -> Action:
        """What to do with a crop; READ and ENHANCE count it as sent."""
        rules, worth = self.rules, quality(crop)
        with self._lock:
            progress = self._progress.setdefault((camera, track.id), _Progress())
            if line_px(crop) < rules.min_line_px or (progress.decided and worth < rules.again * progress.best):
                return Action.WAIT
            if self._spent(progress, crop.height_px):
                return Action.GIVE_UP
            since_ns = scene_ns - progress.last_ns
            if progress.sent - progress.answered >= rules.in_flight:
                return Action.WAIT
            if worth < rules.worse * progress.best and since_ns < rules.patience_ns:
                return Action.WAIT
            if since_ns < rules.gap_ns and worth < rules.better * progress.best:
                return Action.WAIT
            if crop.height_px >= rules.better * progress.tried_px:
                progress.tries, progress.tried_px = 0, crop.height_px
            progress.sent, progress.tries = progress.sent + 1, progress.tries + 1
            progress.best, progress.last_ns = max(progress.best, worth), scene_ns
            progress.height_px = max(progress.height_px, crop.height_px)
        return self.manner(crop)

    def _spent(self, progress: _Progress, height_px: float) -> bool:
        """Whether a plate of this height was read often enough. Far crops must not use up what near ones need: a vehicle is at its most
        readable when it has been seen for longest."""
        return progress.tries >= self.rules.give_up_reads and height_px < self.rules.better * progress.tried_px

    def manner(self, crop: PlateCrop) -> Action:
        """READ or ENHANCE, by the crop alone: what evaluation on single pictures asks."""
        rules = self.rules
        if rules.enhance != "auto":
            return Action.ENHANCE if rules.enhance == "always" else Action.READ
        poor = line_px(crop) < rules.enhance_below_px or sharpness(crop.bgr) < rules.enhance_below_sharpness
        return Action.ENHANCE if poor else Action.READ

    def answered(self, camera: str, track: int, decided: bool) -> None:
        """A sent crop came back read; once decided, no more is sent."""
        with self._lock:
            if progress := self._progress.get((camera, track)):
                progress.answered += 1
                progress.decided = progress.decided or decided

    def forget(self, camera: str, track: int) -> None:
        with self._lock:
            self._progress.pop((camera, track), None)


def line_px(crop: PlateCrop) -> float:
    """Height of one line of text in the frame, roughly: a plate of two lines counts half."""
    return crop.height_px / 2 if crop.bgr.shape[1] < TWO_LINE_ASPECT * crop.bgr.shape[0] else crop.height_px


def quality(crop: PlateCrop) -> float:
    """How much a crop promises: line height, up to where more adds nothing, times sharpness."""
    return min(line_px(crop), 40.0) * (0.1 + sharpness(crop.bgr))


def weight(crop: PlateCrop, source: PlateCrop) -> float:
    """How much a read of a crop counts in the vote. On rendered passes a read's chance of being right grew with the square of its line's
    height: 10 % at 7 px, 27 at 9, 43 at 11, 58 at 13, 70 at 15, and little beyond READABLE_PX. Sharpness counts by its root, or one large
    smeared crop of a passing car outvotes four clear ones. An enhanced one counts half of its source: it is a guess at the same picture,
    and by its own sharpness, which LPSR made, guesses would outvote what the camera saw."""
    height = min(line_px(source), READABLE_PX) / READABLE_PX
    return height**2 * sqrt(0.1 + sharpness(source.bgr)) * (ENHANCED_SHARE if crop.enhanced else 1.0)


def sharpness(bgr: U8) -> float:
    """Strength of edges against contrast at a common size, about 0.05 (blurred) to 0.5 (crisp)."""
    gray = cv2.cvtColor(cv2.resize(bgr, (96, 32), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    contrast = float(gray.std())
    edges = float(np.abs(cv2.Laplacian(gray, cv2.CV_32F)).mean())
    return edges / (4 * contrast + 4)
