"""What a camera went through: written by its own thread, read by any."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edge.cameras.spec import CameraSpec, redacted, shown

CONNECTING, STREAMING, STALLED, DOWN, ENDED = "connecting", "streaming", "stalled", "down", "ended"


@dataclass(frozen=True, slots=True)
class CameraState:
    """A camera as it stands, safe to publish: no credentials in it."""

    id: str
    source: str
    phase: str  # "connecting" | "streaming" | "stalled" | "down" | "ended"
    since_utc_s: float  # when that phase began
    error: str  # the last trouble, "" when there was none
    reconnects: int  # pictures came again after trouble
    frames: int  # received, dropped ones too
    drops: Mapping[str, int]  # by cause: broken, flat, green, frozen, late, missing
    resizes: int
    size: tuple[int, int] | None  # (w, h) of the latest picture
    fps: float  # measured over the latest pictures, 0 unless streaming


class Logbook:
    """Counts and phases of one camera."""

    def __init__(self, spec: CameraSpec) -> None:
        self._spec = spec
        self._lock = threading.Lock()
        self._phase, self._since_utc_s, self._error = CONNECTING, time.time(), ""
        self._frames = self._reconnects = self._resizes = 0
        self._drops: Counter[str] = Counter()
        self._size: tuple[int, int] | None = None
        self._times_s: deque[float] = deque(maxlen=31)

    def received(self) -> int:
        """A picture came, good or bad → its number, from 0."""
        with self._lock:
            self._frames += 1
            return self._frames - 1

    def dropped(self, cause: str, pictures: int = 1) -> int:
        """→ how many this cause has cost so far."""
        with self._lock:
            self._drops[cause] += pictures
            return self._drops[cause]

    def delivered(self, size: tuple[int, int], now_s: float) -> bool:
        """A good picture goes on → whether its size (w, h) is not that of the one before."""
        with self._lock:
            self._times_s.append(now_s)
            resized = self._size not in (None, size)
            self._resizes += resized
            self._size = size
            return resized

    def moved(self, phase: str, error: str | None = None) -> None:
        """Enter a phase; an error stays until the next one, so that status can tell what happened last."""
        with self._lock:
            if error is not None:
                self._error = redacted(error, self._spec.source)
            if phase == self._phase:
                return
            self._phase, self._since_utc_s = phase, time.time()
            self._times_s.clear()

    def reconnected(self) -> None:
        with self._lock:
            self._reconnects += 1

    def snapshot(self) -> CameraState:
        with self._lock:
            return CameraState(
                id=self._spec.id,
                source=shown(self._spec.source),
                phase=self._phase,
                since_utc_s=self._since_utc_s,
                error=self._error,
                reconnects=self._reconnects,
                frames=self._frames,
                drops=MappingProxyType(dict(self._drops)),
                resizes=self._resizes,
                size=self._size,
                fps=self._fps(),
            )

    def _fps(self) -> float:
        if self._phase != STREAMING or len(self._times_s) < 2:
            return 0.0
        return round((len(self._times_s) - 1) / max(self._times_s[-1] - self._times_s[0], 1e-6), 2)
