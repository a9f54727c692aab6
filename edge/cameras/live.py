"""A live camera that mends itself: watches the age of its pictures, looks at them, and reopens the source after any trouble."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np

from alpr.types import U8, Frame
from edge.cameras import gdp
from edge.cameras.backoff import Backoff
from edge.cameras.checks import LiveChecks
from edge.cameras.child import Child, Command, EndedError, SilentError, StoppedError
from edge.cameras.pace import pause
from edge.cameras.spec import CameraSpec, redacted
from edge.cameras.state import CONNECTING, DOWN, ENDED, STALLED, STREAMING, CameraState, Logbook

log = logging.getLogger(__name__)
LATE_S = 0.2
"""A consumer that was away for longer finds an old picture in the pipe: it is left out, the next one is new."""


class SourceLostError(Exception):
    """The source must be opened again; says why, and in which phase that leaves the camera."""

    def __init__(self, reason: str, phase: str = DOWN) -> None:
        super().__init__(reason)
        self.phase = phase


class LiveCamera:
    """A camera whose decoder runs in a process of its own. It never ends by itself, and disturbs no other."""

    live = True

    def __init__(self, spec: CameraSpec, command: Command, rng: np.random.Generator, absent: Callable[[], str] = str) -> None:
        """`absent` says why the source cannot be opened now, "" where it can, without starting anything."""
        self._spec, self._command, self._absent = spec, command, absent
        self._logbook = Logbook(spec)
        self._checks = LiveChecks(spec.frozen_s)
        self._backoff = Backoff(spec.backoff_min_s, spec.backoff_max_s, rng)
        self._closed = threading.Event()
        self._child: Child | None = None
        self._first_s = 0.0  # when this session's first good picture came; 0 before
        self._reported = ""

    @property
    def state(self) -> CameraState:
        return self._logbook.snapshot()

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Good pictures as they come, for ever; returns soon after `stop` or `close()`. One thread at a time."""
        going = True
        try:
            while going and not (stop.is_set() or self._closed.is_set()):
                try:
                    yield from self._session(stop)
                except SourceLostError as lost:
                    going = pause(self._after(lost), stop, self._closed)
        finally:
            self._logbook.moved(ENDED)

    def close(self) -> None:
        """End the capture now and wake who waits for a picture; idempotent."""
        self._closed.set()
        child = self._child
        if child is not None:
            child.kill()

    def _session(self, stop: threading.Event) -> Iterator[Frame]:
        """Pictures of one capture process, until it is lost or we are told to stop."""
        self._first_s = 0.0
        self._logbook.moved(CONNECTING)
        self._child = child = self._started()
        try:
            watch = Watch(child, self._spec, lambda: stop.is_set() or self._closed.is_set())
            for bgr in gdp.pictures(watch.read):
                number, now_s = self._logbook.received(), time.monotonic()
                if self._good(bgr, now_s, watch):
                    now_ns = time.monotonic_ns()
                    yield Frame(bgr, self._spec.id, number, now_ns, time.time(), now_ns)
                    watch.expect(self._spec.stall_s)
                    watch.late = time.monotonic() - now_s > LATE_S and child.readable(0)
        except StoppedError:
            return
        except SilentError:
            raise self._silence(watch) from None
        except EndedError:
            raise SourceLostError(f"{'the stream ended' if self._first_s else 'cannot be opened'}: {child.fate()}") from None
        except gdp.BrokenStreamError as error:
            raise SourceLostError(f"broken stream: {error}") from None
        finally:
            child.release()

    def _started(self) -> Child:
        reason = self._absent()
        if reason:
            raise SourceLostError(reason)
        try:
            return Child(self._command)
        except OSError as error:
            raise SourceLostError(f"cannot start {self._command.argv[0]} ({error.strerror})") from error

    def _good(self, bgr: U8, now_s: float, watch: Watch) -> bool:
        """Count a picture in or out; a bad one does not feed the watchdog."""
        if watch.late:
            watch.late = False
            self._logbook.dropped("late")
            return False
        watch.fault = self._checks.fault(bgr, now_s)
        if watch.fault:
            self._logbook.dropped(watch.fault)
            return False
        if not self._first_s:
            self._arrived(now_s)
        if self._logbook.delivered((bgr.shape[1], bgr.shape[0]), now_s):
            log.warning("camera %s: pictures are now %dx%d", self._spec.id, bgr.shape[1], bgr.shape[0])
        return True

    def _arrived(self, now_s: float) -> None:
        """The first good picture after opening."""
        self._first_s = now_s
        self._logbook.moved(STREAMING)
        if self._reported:
            self._logbook.reconnected()
        log.info("camera %s: streaming%s", self._spec.id, " again" if self._reported else "")
        self._reported = ""

    def _silence(self, watch: Watch) -> SourceLostError:
        within = f"{self._spec.stall_s if self._first_s else self._spec.open_s:g} s"
        what = f"only {watch.fault} pictures" if watch.fault else "no picture"
        said = watch.child.complaint
        return SourceLostError(f"{what} for {within}" + (f": {said}" if said else ""), STALLED if self._first_s else DOWN)

    def _after(self, lost: SourceLostError) -> float:
        """Report trouble, each kind once in an outage → how long to wait before opening again."""
        reason = redacted(str(lost), self._spec.source)
        self._logbook.moved(lost.phase, reason)
        delay_s = self._backoff.next_s(time.monotonic() - self._first_s if self._first_s else 0.0)
        if reason != self._reported:
            log.warning("camera %s: %s: %s; opening it again until it comes back", self._spec.id, lost.phase, reason)
        self._reported = reason
        return delay_s


class Watch:
    """The watchdog of one session: how long the next good picture may take, and what came instead of it."""

    def __init__(self, child: Child, spec: CameraSpec, over: Callable[[], bool]) -> None:
        self.child = child
        self.late = False
        self.fault = ""
        self._over = over
        self.expect(spec.open_s)

    def expect(self, seconds: float) -> None:
        self.fault = ""
        self._deadline_s = time.monotonic() + seconds

    def read(self, view: memoryview) -> None:
        self.child.read(view, self._deadline_s, self._over)
