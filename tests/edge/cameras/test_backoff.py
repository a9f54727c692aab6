from __future__ import annotations

import numpy as np

from edge.cameras.backoff import STEADY_S, Backoff


def test_doubles_up_to_the_bound_with_jitter() -> None:
    backoff = Backoff(0.5, 30, np.random.default_rng(3))
    delays_s = [backoff.next_s(0) for _ in range(10)]
    bounds_s = [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert all(bound / 2 <= delay <= bound for delay, bound in zip(delays_s, bounds_s, strict=True))
    assert len(set(delays_s[6:])) == 4


def test_two_units_do_not_come_back_together() -> None:
    one, other = (Backoff(0.5, 30, np.random.default_rng(seed)).next_s(0) for seed in (1, 2))
    assert one != other


def test_only_a_source_that_was_well_is_asked_quickly_again() -> None:
    backoff = Backoff(0.5, 30, np.random.default_rng(3))
    for _ in range(6):
        backoff.next_s(0)
    assert backoff.next_s(STEADY_S / 2) >= 15
    assert backoff.next_s(STEADY_S) <= 0.5
