"""Whether a camera reads as it did, without anybody who knows the truth.

Three things are known of every vehicle's final event: which share of its reads agree, whether the plate fits a grammar, how high it is. The
latest RECENT vehicles are held against the camera's own first BASELINE ones:

agreement    the means by Welch's t, one-sided: less agreement than before (Welch, 1947)
matching     the shares by the pooled two-proportion z, one-sided: fewer plates of a known kind
height       the distributions by Kolmogorov and Smirnov's D, two-sided: the camera was moved, zoomed or turned

The test is made anew with every vehicle, so that one in twenty would be an alarm every hour: P_LEAST is one in a million. And
what is sure may still be small: below LEAST_* there is no alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import erfc, exp, sqrt
from statistics import fmean, median, variance

BASELINE, RECENT = 300, 100
LEAST_BASELINE, LEAST_RECENT = 100, 50
"""Fewer vehicles are not judged."""
P_LEAST = 1e-6
LEAST_AGREEMENT, LEAST_MATCHING, LEAST_HEIGHT = 0.05, 0.05, 0.25


@dataclass(frozen=True, slots=True)
class Vehicle:
    """What is known of one vehicle's reads."""

    agreement: float  # share of its reads that say the same, 0..1
    matches: bool  # whether the plate fits a grammar
    height_px: float


@dataclass(frozen=True, slots=True)
class Drift:
    """Something that is not as it was."""

    what: str  # agreement | matching | height
    was: float
    now: float
    p: float  # how probable so large a difference would be if all were as before

    def __str__(self) -> str:
        if self.what == "height":
            return f"plates are {self.now:.0f} px high, were {self.was:.0f} px"
        told = {"agreement": "reads of a vehicle agree to", "matching": "plates of a known kind are"}[self.what]
        return f"{told} {self.now:.0%}, were {self.was:.0%}" if self.what == "matching" else f"{told} {self.now:.0%}, did to {self.was:.0%}"


def drifts(baseline: Sequence[Vehicle], recent: Sequence[Vehicle]) -> Iterator[Drift]:
    if len(baseline) < LEAST_BASELINE or len(recent) < LEAST_RECENT:
        return
    was, now = ([each.agreement for each in part] for part in (baseline, recent))
    p = fallen_mean(was, now)
    if p < P_LEAST and fmean(was) - fmean(now) >= LEAST_AGREEMENT:
        yield Drift("agreement", fmean(was), fmean(now), p)
    kinds = [[each.matches for each in part] for part in (baseline, recent)]
    p = fallen_share(*((sum(part), len(part)) for part in kinds))
    if p < P_LEAST and fmean(kinds[0]) - fmean(kinds[1]) >= LEAST_MATCHING:
        yield Drift("matching", fmean(kinds[0]), fmean(kinds[1]), p)
    was, now = ([each.height_px for each in part] for part in (baseline, recent))
    distance, p = smirnov(was, now)
    if p < P_LEAST and distance >= LEAST_HEIGHT:
        yield Drift("height", median(was), median(now), p)


def fallen_mean(was: Sequence[float], now: Sequence[float]) -> float:
    """One-sided p of Welch's t for a mean that has fallen, by the normal distribution: from fifty values on they are one."""
    error = sqrt(variance(was) / len(was) + variance(now) / len(now))
    fall = fmean(was) - fmean(now)
    if error == 0:
        return 0.0 if fall > 0 else 1.0
    return _above(fall / error)


def fallen_share(was: tuple[int, int], now: tuple[int, int]) -> float:
    """One-sided p of the pooled two-proportion z for a share, hits and number, that has fallen."""
    (hits, n), (later_hits, later_n) = was, now
    pooled = (hits + later_hits) / (n + later_n)
    error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / later_n))
    return 1.0 if error == 0 else _above((hits / n - later_hits / later_n) / error)


def smirnov(was: Sequence[float], now: Sequence[float]) -> tuple[float, float]:
    """The greatest distance of two empirical distributions, and its p by Kolmogorov's limit (Smirnov, 1948)."""
    places = sorted({*was, *now})
    first, second = sorted(was), sorted(now)
    i = j = 0
    distance = 0.0
    for place in places:
        while i < len(first) and first[i] <= place:
            i += 1
        while j < len(second) and second[j] <= place:
            j += 1
        distance = max(distance, abs(i / len(first) - j / len(second)))
    root = sqrt(len(first) * len(second) / (len(first) + len(second)))
    x = (root + 0.12 + 0.11 / root) * distance  # Stephens, 1970
    return distance, min(1.0, max(0.0, 2 * sum((-1) ** (k - 1) * exp(-2 * k * k * x * x) for k in range(1, 101)))) if x > 0.2 else 1.0


def _above(z: float) -> float:
    """The normal distribution's share above z."""
    return erfc(z / sqrt(2)) / 2
