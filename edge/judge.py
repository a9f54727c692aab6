"""A track's reads become events: `early` as soon as the vote is firm, `final` when the vehicle is gone, one id for one vehicle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from alpr.decode import ious
from alpr.syntax import Grammar
from alpr.types import F32, Hit, PlateCrop, PlateEvent, Read, Track, Vote
from alpr.vote import certainty, vote, weakest
from edge.tracker import motion


@dataclass(frozen=True, slots=True)
class JudgeRules:
    """When a vote is worth an event."""

    early_score: float = 0.95  # firm: the vote's probability …
    early_reads: int = 2  # … and so many frames that say the same
    final_score: float = 0.8  # a vote below it, or one that no two frames say on their own, is a vehicle seen, not a plate read
    votes: int = 12  # reads kept a track, those that weigh most
    stray_score: float = 0.9  # a text that no grammar knows is a plate from here on, if it looks like one and moves
    parked_s: float = 900.0  # so long after it was last seen, the same plate at the same place is the same vehicle
    stationary_px: float = 0.75  # a plate that travelled less than this many of its heights stands still


@dataclass(frozen=True, slots=True, eq=False)
class Sighted:
    """Where and when a crop was taken, for the event that it may become."""

    camera: str
    captured_ns: int
    captured_utc_s: float
    image_size: tuple[int, int]  # (w, h)


@dataclass(slots=True)
class _Case:
    """What is known about one track's plate."""

    reads: list[tuple[float, Read, int]] = field(default_factory=list)  # with weight and frame, those that count most first
    vote: Vote | None = None
    best: tuple[float, PlateCrop, Sighted] | None = None
    published: str | None = None  # the plate of its early event


@dataclass(frozen=True, slots=True, eq=False)
class _Parked:
    """A vehicle that stood where it was last seen."""

    plate: str
    box: F32
    scene_ns: int


@dataclass(slots=True)
class Judge:
    """All cameras' cases. `counts`: vehicles published, unread (no vote was sure enough), repeated (parked), strays (signs)."""

    grammar: Grammar
    rules: JudgeRules
    crops: bool = False  # whether events carry the source crop
    watch: Callable[[Vote], tuple[Hit, ...]] = lambda vote: ()  # the lists that a vote is on
    counts: Counter[str] = field(default_factory=Counter)
    _cases: dict[tuple[str, int], _Case] = field(default_factory=dict)
    _parked: dict[str, list[_Parked]] = field(default_factory=dict)

    def hear(
        self, track: Track, crop: PlateCrop, read: Read, weight: float, seen: Sighted, timings: Callable[[], dict[str, float]]
    ) -> tuple[bool, PlateEvent | None]:
        """Take a read of a track into its vote, weighed → whether the plate is decided, and the `early` event if this made it so."""
        case = self._cases.setdefault((seen.camera, track.id), _Case())
        heard = sorted([*case.reads, (weight, read, crop.frame)], key=lambda item: -item[0] * certainty(item[1]))
        case.reads = heard[: self.rules.votes]
        case.vote = vote([read for _, read, _ in case.reads], [weight for weight, _, _ in case.reads], self.grammar)
        if not crop.enhanced and (case.best is None or weight > case.best[0]):
            case.best = (weight, crop, seen)
        if not self._firm(case):
            return False, None
        if case.published or case.best is None or self._is_stray(track, case.vote) or self._is_parked(track, case.vote, seen):
            return True, None
        case.published = case.vote.plate
        return True, self._event("early", case, track, timings(), self.watch(case.vote))

    def close(self, camera: str, track: Track, timings: Callable[[], dict[str, float]]) -> PlateEvent | None:
        """The track ended → its `final` event, unless nothing was read that is worth one (counted). A plate of a list always is."""
        case = self._cases.pop((camera, track.id), None)
        if case is None or case.vote is None or case.best is None:
            self.counts["unread"] += 1
            return None
        seen = case.best[2]
        hits = self.watch(case.vote) if case.vote.plate else ()
        if not case.published:
            if not self._is_read(case) and not hits:
                self.counts["unread"] += 1
                return None
            if self._is_stray(track, case.vote) and not hits:
                self.counts["strays"] += 1
                return None
            if self._is_parked(track, case.vote, seen):
                self._remember(camera, track, case.vote.plate)
                self.counts["repeated"] += 1
                return None
        self._remember(camera, track, case.vote.plate)
        self.counts["published"] += 1
        return self._event("final", case, track, timings(), hits)

    def _firm(self, case: _Case) -> bool:
        vote = case.vote
        if vote is None or len(_agreeing(case)) < self.rules.early_reads or not self._is_read(case):
            return False
        return vote.region.matches and vote.score >= self.rules.early_score and weakest(vote) >= 0.5

    def _stands(self, track: Track) -> bool:
        return track.travelled_px < self.rules.stationary_px * max(1.0, float(track.box[3] - track.box[1]))

    def _is_read(self, case: _Case) -> bool:
        vote = case.vote
        if vote is None or not vote.plate or vote.score < self.rules.final_score:
            return False
        return len(_agreeing(case)) >= min(2, len({frame for _, _, frame in case.reads}))

    def _is_stray(self, track: Track, vote: Vote) -> bool:
        """A sign, a timestamp, a name on a lorry: text that no grammar knows, and that stands still, is unsure, short, or has no digit."""
        if vote.region.matches:
            return False
        lasted = track.last_ns - track.first_ns > 3_000_000_000
        lettering = len(vote.plate) < 4 or not any(char.isdigit() for char in vote.plate)
        return lettering or vote.score < self.rules.stray_score or (lasted and self._stands(track))

    def _is_parked(self, track: Track, vote: Vote, seen: Sighted) -> bool:
        """Whether this is a vehicle that stood here before and was out of sight for a while."""
        since_ns = track.last_ns - round(self.rules.parked_s * 1e9)
        here = [parked for parked in self._parked.get(seen.camera, []) if parked.scene_ns >= since_ns]
        self._parked[seen.camera] = here
        return any(parked.plate == vote.plate and float(ious(parked.box, track.box[None])[0]) > 0.3 for parked in here)

    def _remember(self, camera: str, track: Track, plate: str) -> None:
        if self._stands(track):
            others = [parked for parked in self._parked.get(camera, []) if parked.plate != plate]
            self._parked[camera] = [*others, _Parked(plate, track.box, track.last_ns)]

    def _event(self, kind: str, case: _Case, track: Track, timings: dict[str, float], hits: tuple[Hit, ...]) -> PlateEvent:
        assert case.vote is not None and case.best is not None
        _, crop, seen = case.best
        still = self._stands(track)
        return PlateEvent(
            type=kind,
            camera=seen.camera,
            track=track.id,
            captured_utc_s=seen.captured_utc_s,
            captured_ns=seen.captured_ns,
            vote=case.vote,
            frames_seen=track.hits,
            box=_bounds(crop.quad),
            quad=crop.quad,
            height_px=crop.height_px,
            image_size=seen.image_size,
            direction="still" if still else motion(track),
            stationary=still,
            latency_ms=timings,
            crop=crop.bgr if self.crops else None,
            course=track.course,
            hits=hits,
        )


def _bounds(quad: F32) -> F32:
    return np.concatenate([quad.min(axis=0), quad.max(axis=0)]).astype(np.float32)


def _agreeing(case: _Case) -> set[int]:
    """Frames that say the vote's text on their own. A crop and its enhanced twin are one frame: what they agree on was seen once."""
    return {frame for _, read, frame in case.reads if case.vote and read.text == case.vote.raw}
