"""How long to wait before opening again: longer each time, and never the same for all units that lost the same switch."""

from __future__ import annotations

import numpy as np

STEADY_S = 5.0
"""A source that gave pictures for so long was well again; one that falls over sooner is not asked more often for it."""


class Backoff:
    """Doubling delays with jitter, between a half and the whole of the bound."""

    def __init__(self, min_s: float, max_s: float, rng: np.random.Generator) -> None:
        self._min_s, self._max_s, self._rng = min_s, max_s, rng
        self._bound_s = min_s

    def next_s(self, streamed_s: float) -> float:
        """The delay after a session that gave pictures for `streamed_s`."""
        if streamed_s >= STEADY_S:
            self._bound_s = self._min_s
        bound_s, self._bound_s = self._bound_s, min(2 * self._bound_s, self._max_s)
        return float(self._rng.uniform(bound_s / 2, bound_s))
