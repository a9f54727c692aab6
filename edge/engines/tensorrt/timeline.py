"""When the GPU worked, by its own clock: for benches. Off, it costs nothing."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Timeline:
    """Pairs of CUDA events around what each stage replays, in the order in which they were recorded."""

    def __init__(self, cuda: Any) -> None:
        self._cuda = cuda
        self._lock = threading.Lock()
        self._origin: Any = None
        self._pairs: list[tuple[str, Any, Any]] = []

    def begin(self, stream: Any) -> None:
        """Forget what was, and measure from now on."""
        origin = self._cuda.Event()
        origin.record(stream)
        with self._lock:
            self._origin, self._pairs = origin, []

    @contextmanager
    def around(self, name: str, stream: Any) -> Iterator[None]:
        if self._origin is None:
            yield
            return
        before, after = self._cuda.Event(), self._cuda.Event()
        before.record(stream)
        yield
        after.record(stream)
        with self._lock:
            self._pairs.append((name, before, after))

    def end(self) -> dict[str, list[tuple[float, float]]]:
        """Stop → name → (start, end) in ms since `begin`. Everything recorded must have run: synchronise first."""
        with self._lock:
            origin, pairs, self._origin, self._pairs = self._origin, self._pairs, None, []
        spans = defaultdict[str, list[tuple[float, float]]](list)
        for name, before, after in pairs:
            spans[name].append((before.time_since(origin), after.time_since(origin)))
        return dict(spans)


def covered_ms(spans: list[tuple[float, float]]) -> float:
    """The length of the union of spans: how long at least one of them lasted."""
    total, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
