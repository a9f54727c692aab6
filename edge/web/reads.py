"""What was read last: events as they left the unit, so that the page shows nothing that privacy keeps back."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Final

from alpr.types import CharacterVote, PlateEvent
from edge.loop import Job
from edge.privacy import PrivacyRules

MOST: Final = 40
MOST_TRACKS: Final = 256
Key = tuple[str, int]
"""A camera and a track of it."""


class Reads:
    """From any thread. A change of the privacy rules empties it, and so does an erasure: what was shown before may be kept back now."""

    def __init__(self, rules: Callable[[], PrivacyRules], erasures: Callable[[], int]) -> None:
        """`rules` are those in force, `erasures` counts what was asked to be forgotten."""
        self._rules, self._erasures = rules, erasures
        self._under = rules(), erasures()
        self._rows: deque[dict[str, Any]] = deque(maxlen=MOST)
        self._last: OrderedDict[Key, tuple[str, float]] = OrderedDict()
        self._lock = threading.Lock()

    def accepted(self, event_id: str, event: PlateEvent) -> None:
        """A vehicle's final event takes the place of its early one."""
        with self._lock:
            self._renew()
            others = [row for row in self._rows if (row["camera"], row["track"]) != (event.camera, event.track)]
            self._rows = deque([row_of(event_id, event), *others], MOST)
            self._say((event.camera, event.track), event.vote.region.display or event.vote.plate, event.vote.score)

    def heard(self, camera: str, job: Job) -> None:
        """The latest read of a track, which no event vouches for yet: shown only where everything is."""
        if not job.reads:
            return
        _, read = max(job.reads, key=lambda pair: pair[1].score)
        with self._lock:
            if self._renew().mode == "plain":
                self._say((camera, job.track.id), read.text, read.score)

    def rows(self) -> list[dict[str, Any]]:
        """The latest first."""
        with self._lock:
            self._renew()
            return list(self._rows)

    def last(self, camera: str, track: int) -> tuple[str, float] | None:
        """Text and score to write beside a plate."""
        with self._lock:
            self._renew()
            return self._last.get((camera, track))

    def _say(self, key: Key, text: str, score: float) -> None:
        self._last[key] = text, score
        self._last.move_to_end(key)
        while len(self._last) > MOST_TRACKS:
            self._last.popitem(last=False)

    def _renew(self) -> PrivacyRules:
        """Let go what other rules have let in → the rules in force."""
        under = self._rules(), self._erasures()
        if under != self._under:
            self._under = under
            self._rows.clear()
            self._last.clear()
        return under[0]


def row_of(event_id: str, event: PlateEvent) -> dict[str, Any]:
    """An event as the page lists it."""
    vote, course = event.vote, event.course
    return {
        "id": event_id,
        "camera": event.camera,
        "track": event.track,
        "type": event.type,
        "utc": datetime.fromtimestamp(event.captured_utc_s, timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "plate": vote.region.display or vote.plate,
        "region": vote.region.code,
        "score": round(vote.score, 4),
        "chars": [_character(char) for char in vote.chars],
        "others": [{"text": each.text, "score": round(each.score, 4)} for each in vote.candidates if each.text != vote.plate],
        "reads": vote.reads,
        "agreeing": vote.agreeing,
        "enhanced": vote.enhanced,
        "height_px": round(event.height_px, 1),
        "direction": event.direction,
        "zone": course.zone,
        "dwell_s": round(course.dwell_s, 1),
        "parked": course.parked,
        "crossings": [{"line": each.line, "direction": each.direction} for each in course.crossings],
        "speed": None if course.speed is None else [round(course.speed.kmh), max(1, round(course.speed.error_kmh))],
        "ms": round(event.latency_ms.get("capture_to_event", 0.0)),
    }


def _character(vote: CharacterVote) -> dict[str, Any]:
    """A character with its strongest rival."""
    rival = vote.others[0] if vote.others else None
    return {
        "char": vote.char,
        "score": round(vote.score, 3),
        "rival": rival.text if rival else "",
        "rival_score": rival.score if rival else 0.0,
    }
