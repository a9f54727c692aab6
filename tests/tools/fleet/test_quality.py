"""Drift: the statistics against published and computed values, how seldom they cry wolf, and how soon they see one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tools.fleet.quality import BASELINE, RECENT, Vehicle, drifts, fallen_mean, fallen_share, smirnov


def vehicles(
    rng: np.random.Generator, count: int, agreement: float = 0.85, matching: float = 0.95, height_px: float = 28.0
) -> list[Vehicle]:
    """As a camera has them: reads from three to twelve, plates of log-normal heights."""
    frames = rng.integers(3, 13, count)
    agreeing = rng.binomial(frames, np.clip(rng.normal(agreement, 0.1, count), 0, 1))
    heights = np.exp(rng.normal(np.log(height_px), 0.25, count))
    return [
        Vehicle(float(a / n), bool(m), float(h)) for a, n, m, h in zip(agreeing, frames, rng.random(count) < matching, heights, strict=True)
    ]


def test_a_share_that_fell() -> None:
    """z = (0.9 - 0.8) / sqrt(0.875 x 0.125 x (1/300 + 1/100)) = 2.6186; its upper tail is 0.004415."""
    assert fallen_share((270, 300), (80, 100)) == pytest.approx(0.004415, rel=1e-3)
    assert fallen_share((240, 300), (90, 100)) == pytest.approx(1 - 0.01170, abs=1e-3), "one that rose is no alarm"
    assert fallen_share((300, 300), (100, 100)) == 1.0


def test_a_mean_that_fell() -> None:
    """Means 2.5 and 1.5, variances 5/3 each of four: t = 1 / sqrt(5/6) = 1.0954, whose normal tail is 0.13667."""
    assert fallen_mean([1, 2, 3, 4], [0, 1, 2, 3]) == pytest.approx(0.13667, rel=1e-3)
    assert fallen_mean([1.0] * 50, [0.9] * 50) == 0.0 and fallen_mean([0.9] * 50, [1.0] * 50) == 1.0 == fallen_mean([1.0] * 9, [1.0] * 9)


def test_smirnovs_distance() -> None:
    """By hand: of 1 2 3 4 and 3 4 5 6, half of the first lie below all of the second; D = 0.5."""
    assert smirnov([1, 2, 3, 4], [3, 4, 5, 6])[0] == 0.5
    assert smirnov([1, 2, 3], [1, 2, 3]) == (0.0, 1.0)
    assert smirnov(list(range(50)), list(range(100, 150)))[0] == 1.0
    distance, p = smirnov(list(np.arange(300) / 300), list(np.arange(100) / 100 + 0.2))
    assert distance == pytest.approx(0.20333, abs=1e-4) and p == pytest.approx(0.003685, rel=0.1), (
        "as scipy.stats.ks_2samp computes it exactly"
    )


def test_a_fleet_that_stays_as_it_is_is_left_in_peace() -> None:
    """100 cameras, 1,000 vehicles each, judged at every tenth one: 6,000 looks, and no alarm."""
    rng = np.random.default_rng(7)
    for _ in range(100):
        heights = rng.uniform(14, 45)
        all_ = vehicles(rng, 1000, rng.uniform(0.5, 0.95), rng.uniform(0.7, 1.0), heights)
        for end in range(BASELINE + RECENT, 1000, 10):
            assert list(drifts(all_[:BASELINE], all_[end - RECENT : end])) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [({"agreement": 0.6}, "agreement"), ({"matching": 0.65}, "matching"), ({"height_px": 20.0}, "height"), ({"height_px": 40.0}, "height")],
)
def test_a_change_is_seen_within_a_hundred_vehicles(change: dict[str, float], what: str) -> None:
    """Dirt on the glass, a new kind of plate, a camera that was knocked."""
    rng = np.random.default_rng(11)
    seen = []
    for _ in range(40):
        before, after = vehicles(rng, BASELINE), vehicles(rng, RECENT, **change)
        seen.append([each.what for each in drifts(before, after)])
    assert sum(what in each for each in seen) >= 38
    assert sum(len(set(each) - {what}) for each in seen) == 0, "and nothing else"


def test_what_got_better_is_no_alarm() -> None:
    rng = np.random.default_rng(3)
    assert list(drifts(vehicles(rng, BASELINE, 0.6, 0.7), vehicles(rng, RECENT, 0.95, 1.0))) == []


def test_a_certain_difference_that_is_small_is_no_alarm() -> None:
    before = [Vehicle(0.90, True, 25.0), Vehicle(0.91, True, 26.0)] * 150
    after = [replace(each, agreement=each.agreement - 0.02) for each in before[:RECENT]]
    assert fallen_mean([each.agreement for each in before], [each.agreement for each in after]) < 1e-9
    assert list(drifts(before, after)) == []


def test_it_says_what_it_sees() -> None:
    rng = np.random.default_rng(5)
    before, after = vehicles(rng, BASELINE, 0.9, 0.97, 30), vehicles(rng, RECENT, 0.4, 0.3, 15)
    said = [str(each) for each in drifts(before, after)]
    assert [text.split()[0] for text in said] == ["reads", "plates", "plates"]
    assert said[2].startswith("plates are 1") and "px high, were " in said[2]
