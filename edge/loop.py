"""The way of a frame: see (detect, track, gate) → enhance → read → judge. Plain callables; `edge.pipeline` gives them threads."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from alpr.imaging import quad_size, rectify
from alpr.types import Detections, Frame, PlateCrop, PlateEvent, Read, Track
from edge.corners import Refine, as_found
from edge.detector import Detector
from edge.enhancer import Enhancer
from edge.gate import Action, Gate, weight
from edge.judge import Judge, Sighted
from edge.pipeline import Stage
from edge.reader import Reader
from edge.tracker import Tracker, TrackerRules
from edge.zones import Courses, Grounds


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One crop of one track on its way to the vote."""

    track: Track
    crop: PlateCrop  # the source
    enhance: bool
    enhanced: PlateCrop | None = None
    reads: tuple[tuple[PlateCrop, Read], ...] = ()

    @property
    def crops(self) -> tuple[PlateCrop, ...]:
        """What the reader sees of it."""
        return (self.crop,) if self.enhanced is None else (self.crop, self.enhanced)


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What a frame gave the later stages to do: crops to read, tracks that ended."""

    seen: Sighted
    scene_ns: int
    jobs: tuple[Job, ...]
    ended: tuple[Track, ...]
    timings_ms: dict[str, float]


class Onlooker(Protocol):
    """Somebody who watches: called by the unit's own threads, so that it takes note and returns at once."""

    def saw(self, frame: Frame, found: Detections, tracks: Sequence[Track]) -> None:
        """A frame, every plate that was found in it, and those that are followed and read. On the detecting thread."""

    def heard(self, camera: str, job: Job) -> None:
        """The reads of a crop. On the voting thread."""

    def accepted(self, event_id: str, event: PlateEvent) -> None:
        """An event as it leaves the unit. On the accepting thread."""


@dataclass(slots=True)
class Loop:
    """The stages and what they share. Each method is called by one thread at a time."""

    detector: Detector
    enhancer: Enhancer
    reader: Reader
    gate: Gate
    judge: Judge
    tracker_rules: TrackerRules
    grounds: Grounds = field(default_factory=Grounds)
    courses: Courses = field(default_factory=Courses)
    corners: Refine = as_found
    onlooker: Onlooker | None = None
    counts: Counter[str] = field(default_factory=Counter)  # frames, plates, plates ignored for their place, crops by the gate's action
    _trackers: dict[str, Tracker] = field(default_factory=dict)
    _last: dict[str, Sighted] = field(default_factory=dict)

    def stages(self) -> tuple[Stage, ...]:
        """What does several items at once does those of all cameras that wait."""
        most = self.detector.most
        return (
            Stage("detect", self.see, self.last_sightings, self.see_together, most),
            Stage("enhance", self.enhance, together=self.enhance_together, most=most),
            Stage("read", self.read, together=self.read_together, most=most),
            Stage("vote", self.vote),
        )

    def see(self, frame: Frame) -> Iterable[Sighting]:
        """Find and follow plates, and cut out those worth reading. A frame with nothing to do goes no further."""
        return self.see_together([frame])

    def see_together(self, frames: Sequence[Frame]) -> Iterable[Sighting]:
        started_ns = time.monotonic_ns()
        pictures = [frame.bgr for frame in frames]
        found = self.detector.all(pictures) if len(pictures) > 1 else map(self.detector, pictures)
        for frame, plates in zip(frames, found, strict=True):
            yield from self._followed(frame, plates, started_ns)

    def _followed(self, frame: Frame, found: Detections, started_ns: int) -> Iterable[Sighting]:
        height, width = frame.bgr.shape[:2]
        seen, ground = Sighted(frame.camera, frame.captured_ns, frame.captured_utc_s, (width, height)), self.grounds[frame.camera]
        kept = ground.kept(found, seen.image_size)
        tracker = self._trackers.setdefault(frame.camera, Tracker(self.tracker_rules))
        updates = tracker.update(kept, frame.scene_ns)
        current = [replace(track, course=self.courses.follow(frame, track, ground)) for track in updates.current]
        ended = self._left(frame.camera, updates.ended)
        here = [track for track in current if ground.reads(track.box, seen.image_size)]
        jobs = tuple(job for track in here for job in self._job(frame, track))
        self._last[frame.camera] = seen
        self.counts["frames"] += 1
        self.counts["plates"] += len(current)
        self.counts["ignored"] += len(found) - len(kept) + len(current) - len(here)
        if self.onlooker is not None:
            self.onlooker.saw(frame, found, here)
        if not jobs and not ended:
            return ()
        timings = {"wait": _ms(started_ns - frame.captured_ns), "detect": _ms(time.monotonic_ns() - started_ns)}
        return (Sighting(seen, frame.scene_ns, jobs, ended, timings),)

    def last_sightings(self) -> Iterable[Sighting]:
        """The recordings ended, and with them every track."""
        for camera, tracker in self._trackers.items():
            if ended := self._left(camera, tracker.flush()):
                yield Sighting(self._last[camera], max(track.last_ns for track in ended), (), ended, {})

    def enhance(self, sighting: Sighting) -> Iterable[Sighting]:
        """LPSR for those jobs that the gate sent to it."""
        return self.enhance_together([sighting])

    def enhance_together(self, sightings: Sequence[Sighting]) -> Iterable[Sighting]:
        chosen = [job.crop for sighting in sightings for job in sighting.jobs if job.enhance]
        if not chosen:
            return sightings
        started_ns = time.monotonic_ns()
        drawn = iter(self.enhancer(chosen))
        took = {"enhance": _ms(time.monotonic_ns() - started_ns)}
        return [_enhanced(sighting, drawn, took) for sighting in sightings]

    def read(self, sighting: Sighting) -> Iterable[Sighting]:
        """OCR of every crop, and of its enhanced twin where there is one: both vote, so that LPSR alone decides nothing."""
        return self.read_together([sighting])

    def read_together(self, sightings: Sequence[Sighting]) -> Iterable[Sighting]:
        crops = [crop for sighting in sightings for job in sighting.jobs for crop in job.crops]
        if not crops:
            return sightings
        started_ns = time.monotonic_ns()
        answers = iter(zip(crops, self.reader(crops), strict=True))
        took = {"read": _ms(time.monotonic_ns() - started_ns)}
        return [_answered(sighting, answers, took) for sighting in sightings]

    def vote(self, sighting: Sighting) -> Iterable[PlateEvent]:
        """Judge the reads, and the tracks that ended."""
        started_ns = time.monotonic_ns()
        camera = sighting.seen.camera
        events: list[PlateEvent] = []

        def timings() -> dict[str, float]:
            now_ns = time.monotonic_ns()
            return sighting.timings_ms | {"vote": _ms(now_ns - started_ns), "capture_to_event": _ms(now_ns - sighting.seen.captured_ns)}

        for job in sighting.jobs:
            decided = False
            for crop, read in job.reads:
                now_decided, event = self.judge.hear(job.track, crop, read, weight(crop, job.crop), sighting.seen, timings)
                decided = decided or now_decided
                events += [event] if event else []
            self.gate.answered(camera, job.track.id, decided)
            if self.onlooker is not None:
                self.onlooker.heard(camera, job)
        for track in sighting.ended:
            event = self.judge.close(camera, track, timings)
            events += [event] if event else []
            self.gate.forget(camera, track.id)
        return events

    def _left(self, camera: str, tracks: Iterable[Track]) -> tuple[Track, ...]:
        """Tracks that ended, with their whole course."""
        return tuple(replace(track, course=self.courses.leave(camera, track.id)) for track in tracks)

    def _job(self, frame: Frame, track: Track) -> Iterable[Job]:
        height_px = quad_size(track.quad)[0]
        if not self.gate.wants(frame.camera, track, height_px):
            return
        try:
            bgr = rectify(frame.bgr, track.quad)
        except ValueError:
            self.counts["quads refused"] += 1
            return
        crop = PlateCrop(bgr, track.quad, height_px, frame.number, frame.captured_ns)
        action = self.gate.decide(frame.camera, track, crop, frame.scene_ns)
        if action in (Action.READ, Action.ENHANCE):
            crop = self._straightened(frame, crop)
            action = self.gate.manner(crop)
            yield Job(track, crop, action is Action.ENHANCE)
        self.counts[action.value] += 1

    def _straightened(self, frame: Frame, crop: PlateCrop) -> PlateCrop:
        """The crop by the plate's corners as they are at its own scale; only those that are read are worth it."""
        quad = self.corners(frame.bgr, crop.quad)
        if quad is crop.quad:
            return crop
        return replace(crop, bgr=rectify(frame.bgr, quad), quad=quad, height_px=quad_size(quad)[0])


def _enhanced(sighting: Sighting, drawn: Iterator[PlateCrop], took: dict[str, float]) -> Sighting:
    """A sighting with its share of what was drawn, in the order of its jobs."""
    if not any(job.enhance for job in sighting.jobs):
        return sighting
    jobs = tuple(replace(job, enhanced=next(drawn)) if job.enhance else job for job in sighting.jobs)
    return replace(sighting, jobs=jobs, timings_ms=sighting.timings_ms | took)


def _answered(sighting: Sighting, answers: Iterator[tuple[PlateCrop, Read]], took: dict[str, float]) -> Sighting:
    """A sighting with its share of the reads, in the order of its jobs."""
    if not sighting.jobs:
        return sighting
    jobs = tuple(replace(job, reads=tuple(next(answers) for _ in job.crops)) for job in sighting.jobs)
    return replace(sighting, jobs=jobs, timings_ms=sighting.timings_ms | took)


def _ms(duration_ns: int) -> float:
    return duration_ns / 1e6
