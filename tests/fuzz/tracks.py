"""Any detections at any times: each in one track at most, every track sound, and nothing raised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from alpr.types import Detections, Track
from edge.events import DIRECTIONS
from edge.tracker import Tracker, TrackerRules, motion
from tests.fuzz.decode import poked, pokes, seeds
from tests.fuzz.target import Check, Target

STEPS_NS = (0, 1, 33_000_000, 33_000_000, 40_000_000, 500_000_000, 1_100_000_000, -5_000_000_000, 10**18, -(10**18))


def tracker(folder: Path) -> Check:
    def check(given: tuple[int, list[tuple[int, int, list[tuple[int, float]]]], float]) -> bool:
        seed, frames, lost_s = given
        rng, now_ns, seen = np.random.default_rng(seed), 0, set[int]()
        follow, ended = Tracker(TrackerRules(lost_s=lost_s)), set[int]()
        for count, step_ns, at in frames:
            now_ns += step_ns
            found = _detections(rng, count, at)
            updates = follow.update(found, now_ns)
            assert len(updates.current) + updates.refused <= len(found)
            for track in (*updates.current, *updates.ended):
                _sound(track)
            ids = [track.id for track in updates.current]
            assert len(set(ids)) == len(ids) and not ended & set(ids), "an ended track came again"
            ended |= {track.id for track in updates.ended}
            seen |= set(ids)
        assert {track.id for track in follow.flush()} | ended == seen
        return bool(seen)

    return check


def _detections(rng: np.random.Generator, count: int, at: list[tuple[int, float]]) -> Detections:
    corner = rng.choice((100.0, 130.0, 600.0), (count, 2)) + rng.normal(0, 6, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(10, 90, (count, 2))], 1).astype(np.float32)
    scores = rng.random(count, np.float32)
    poked(boxes, at[::2]), poked(scores, at[1::2])
    return Detections(boxes, scores, boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2).copy())


def _sound(track: Track) -> None:
    numbers = np.array([*track.box, track.score, *track.velocity_px_s, track.travelled_px])
    assert np.isfinite(numbers).all(), track
    assert track.first_ns <= track.last_ns and track.hits >= 1 and motion(track) in DIRECTIONS


frames: Any = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(STEPS_NS), pokes), max_size=25)

TARGETS = (Target("tracker", st.tuples(seeds, frames, st.sampled_from((1.0, 0.001, 60.0, 86_400.0))), tracker, quick=250),)
