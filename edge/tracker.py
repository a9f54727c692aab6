"""Which detections are one vehicle's plate, frame after frame: ByteTrack's two rounds, in seconds and plate sizes.

From "ByteTrack: Multi-Object Tracking by Associating Every Detection Box" (Zhang et al., ECCV 2022); our own code. As there: sure
detections first, against all tracks, lost ones too; then unsure ones against the tracks just left without. Otherwise: time
comes from the capture clock, so frame rates may vary and frames be missing; and since plates are small and jump farther
than their own size, a pair may also match without overlap, by the distance from where the plate is expected, in units of
its height, as far as the motion filter is unsure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot, log, sqrt

import numpy as np
from numpy.typing import NDArray

from alpr.types import F32, Detections, Track
from edge.assignment import F64, assign
from edge.kalman import Motion

VELOCITY_HITS = 3
"""Sightings after which a plate's velocity is known."""


@dataclass(frozen=True, slots=True)
class TrackerRules:
    """When two sightings are one plate, and when it is gone."""

    lost_s: float = 1.0  # unseen for longer: ended
    high: float = 0.5  # a detection from here on may start a track
    low: float = 0.1  # one from here on may continue one
    match_iou: float = 0.2  # boxes that overlap the expected place this much may match in any case
    gate_sigmas: float = 3.0  # how far from the expected place it may be seen
    low_gate_sigmas: float = 2.0  # … by an unsure detection
    reach: float = 8.0  # … and at most, in plate heights, once its velocity is known: else the next vehicle would inherit it
    size_ratio: float = 1.6  # how much its size (root of the area) may differ from one sighting to the next
    grows_per_s: float = 4.0  # … and this much more for each second between them


@dataclass(frozen=True, slots=True)
class Updates:
    """What a frame changed."""

    current: list[Track]  # seen in this frame
    ended: list[Track]  # unseen for too long
    refused: int = 0  # detections that are no boxes: a coordinate is no number, or there is no area


@dataclass(slots=True)
class _Plate:
    """A track while it lives."""

    id: int
    motion: Motion
    box: F32
    quad: F32
    score: float
    first_box: F32
    first_ns: int
    last_ns: int
    width: float
    height: float
    hits: int = 1
    just_seen: bool = True

    def see(self, box: F32, quad: F32, score: float, now_ns: int) -> None:
        x, y, self.width, self.height = _place(box)
        self.motion.correct(x, y)
        self.box, self.quad, self.score, self.last_ns = box, quad, score, now_ns
        self.hits += 1
        self.just_seen = True

    def track(self) -> Track:
        x, y, *_ = _place(self.box)
        x0, y0, *_ = _place(self.first_box)
        velocity = (self.motion.vx, self.motion.vy)
        travelled_px = hypot(x - x0, y - y0)
        return Track(
            self.id, self.box, self.quad, self.score, self.first_ns, self.last_ns, self.hits, velocity, travelled_px, self.first_box
        )


@dataclass(slots=True)
class Tracker:
    """One camera's tracks. Frames come in the order of their capture; one that is late counts as taken with the one before."""

    rules: TrackerRules = field(default_factory=TrackerRules)
    _plates: list[_Plate] = field(default_factory=list)
    _now_ns: int | None = None
    _next_id: int = 1

    def update(self, detections: Detections, captured_ns: int) -> Updates:
        """Continue, start and end tracks with the plates of one frame. Each detection is in at most one track."""
        ended = self._pass_time(captured_ns)
        detections, refused = _sound(detections)
        sure = np.flatnonzero(detections.scores >= self.rules.high)
        unsure = np.flatnonzero((detections.scores >= self.rules.low) & (detections.scores < self.rules.high))
        before = [plate for plate in self._plates if plate.just_seen]
        for plate in self._plates:
            plate.just_seen = False
        left = self._continue(self._plates, detections, sure, self.rules.gate_sigmas)
        without = [plate for plate in before if not plate.just_seen]
        self._continue(without, detections, unsure, self.rules.low_gate_sigmas)
        for i in left:
            self._start(detections, i)
        return Updates([plate.track() for plate in self._plates if plate.just_seen], ended, refused)

    def flush(self) -> list[Track]:
        """End all tracks: the source has ended or jumped."""
        ended = [plate.track() for plate in self._plates]
        self._plates.clear()
        return ended

    def _pass_time(self, captured_ns: int) -> list[Track]:
        last_ns = captured_ns if self._now_ns is None else self._now_ns
        self._now_ns = max(last_ns, captured_ns)
        oldest_ns = self._now_ns - round(self.rules.lost_s * 1e9)
        ended = [plate.track() for plate in self._plates if plate.last_ns < oldest_ns]
        self._plates = [plate for plate in self._plates if plate.last_ns >= oldest_ns]
        for plate in self._plates:
            plate.motion.predict((self._now_ns - last_ns) / 1e9)
        return ended

    def _continue(self, plates: Sequence[_Plate], detections: Detections, which: NDArray[np.intp], sigmas: float) -> list[int]:
        """Match some detections to some tracks → the detections left over."""
        if not plates or not len(which):
            return [int(i) for i in which]
        assert self._now_ns is not None
        costs, allowed = _compare(plates, detections.boxes[which], self._now_ns, self.rules, sigmas)
        pairs = assign(costs, allowed)
        for row, column in pairs:
            i = which[column]
            plates[row].see(detections.boxes[i], detections.quads[i], float(detections.scores[i]), self._now_ns)
        taken = {column for _, column in pairs}
        return [int(i) for column, i in enumerate(which) if column not in taken]

    def _start(self, detections: Detections, i: int) -> None:
        assert self._now_ns is not None
        box = detections.boxes[i]
        x, y, width, height = _place(box)
        score = float(detections.scores[i])
        self._plates.append(
            _Plate(self._next_id, Motion(x, y), box, detections.quads[i], score, box, self._now_ns, self._now_ns, width, height)
        )
        self._next_id += 1


def motion(track: Track, moved: float = 1.0) -> str:
    """Where a vehicle goes in the picture: "approaching", "leaving", "left", "right", or "still".

    Depth shows as growth and as height in the picture: cameras look down on a road, so what comes near grows and sinks. A
    plate is still until it has moved by `moved` of its heights, or grown by a sixth.
    """
    if track.first_box is None:
        return "still"
    x0, y0, w0, h0 = _place(track.first_box)
    x1, y1, w1, h1 = _place(track.box)
    height = sqrt(h0 * h1)
    depth = (y1 - y0) / height + 3 * log(w1 * h1 / (w0 * h0))
    side = (x1 - x0) / height
    if max(abs(depth), abs(side)) < moved:
        return "still"
    if abs(depth) >= abs(side) / 2:  # a plate that comes near also drifts aside, and far at that
        return "approaching" if depth > 0 else "leaving"
    return "right" if side > 0 else "left"


def _place(box: F32) -> tuple[float, float, float, float]:
    """Centre x, y, width, height of a box (4,)."""
    x1, y1, x2, y2 = box.tolist()
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def _sound(detections: Detections) -> tuple[Detections, int]:
    boxes = detections.boxes
    sound = np.isfinite(boxes).all(axis=1) & np.isfinite(detections.scores)
    sound &= (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return (detections, 0) if sound.all() else (detections.select(sound), int((~sound).sum()))


def _compare(plates: Sequence[_Plate], boxes: F32, now_ns: int, rules: TrackerRules, sigmas: float) -> tuple[F64, NDArray[np.bool_]]:
    """What it costs to take each detection (m, 4) for each plate, and which pairs may be at all → (n, m), (n, m).

    The cost is the negative log-likelihood of place and size, less twice the overlap.
    """
    known = np.array([(p.motion.x, p.motion.y, p.width, p.height, p.motion.spread, (now_ns - p.last_ns) / 1e9, p.hits) for p in plates])
    centre, size, height, spread = known[:, None, :2], known[:, None, 2:4], known[:, 3:4], known[:, 4:5]
    unseen_s, reach = known[:, 5:6], np.where(known[:, 6:] >= VELOCITY_HITS, rules.reach, np.inf)
    corner, far = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64)
    distance = np.linalg.norm(centre - (corner + far) / 2, axis=2) / height
    sigma = distance / spread
    ratio = np.abs(np.log(np.prod((far - corner) / size, axis=2))) / 2
    inside = np.prod(np.clip(np.minimum(centre + size / 2, far) - np.maximum(centre - size / 2, corner), 0, None), axis=2)
    overlap = inside / (np.prod(size, axis=2) + np.prod(far - corner, axis=1) - inside)
    fits = ratio <= np.log(rules.size_ratio) + np.log(rules.grows_per_s) * unseen_s
    allowed = fits & ((distance <= np.minimum(sigmas * spread, reach)) | (overlap >= rules.match_iou))
    return sigma**2 / 2 + 2 * np.log(spread) + ratio**2 * 8 - 2 * overlap, allowed
