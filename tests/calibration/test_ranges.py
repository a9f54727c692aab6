"""Ranges: known histograms give known answers."""

from __future__ import annotations

import numpy as np
import pytest

from alpr.contract import Contract
from calibration import graph, qdq
from calibration.ranges import BINS, METHODS, Histogram, entropy, largest, mse, observe, percentile, reached


def of(values: np.ndarray) -> Histogram:
    most = float(np.abs(values).max())
    return Histogram(np.histogram(np.abs(values), BINS, (0, most))[0], most)


@pytest.fixture(scope="module")
def gaussian() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(2_000_000)


@pytest.mark.parametrize("method", METHODS)
def test_an_even_spread_is_kept_whole(method: str) -> None:
    """Nothing is an outlier where all magnitudes are as frequent."""
    even = Histogram(np.full(BINS, 100), 4.0)
    assert METHODS[method](even) == pytest.approx(4.0, rel=0.01)


@pytest.mark.parametrize("method", ["percentile", "entropy", "mse"])
def test_one_far_outlier_is_clipped(method: str, gaussian: np.ndarray) -> None:
    assert METHODS[method](of(np.append(gaussian, 60.0))) < 6.5
    assert largest(of(np.append(gaussian, 60.0))) == 60.0


def test_the_percentile_is_where_so_much_lies_below() -> None:
    histogram = Histogram(np.array([90, 0, 9, 0, 0, 0, 0, 0, 0, 1]), 10.0)
    assert percentile(histogram, 90) == 1.0 and percentile(histogram, 99) == 3.0 and percentile(histogram, 100) == 10.0


def test_mse_clips_a_gaussian_where_theory_does(gaussian: np.ndarray) -> None:
    """At 8 bits the least squared error of a uniform quantiser is at about 3.9 deviations (Banner et al., arXiv:1810.05723)."""
    assert mse(of(gaussian)) == pytest.approx(3.93, abs=0.15)


def test_mse_is_the_least_of_all_limits(gaussian: np.ndarray) -> None:
    values = gaussian[:100_000]

    def error(limit: float) -> float:
        step = limit / 127
        return float(((np.clip(np.rint(values / step), -127, 127) * step - values) ** 2).mean())

    best = mse(of(values))
    assert error(best) <= 1.01 * min(error(limit) for limit in np.linspace(2, 6, 60))


def test_entropy_never_leaves_a_range_out(gaussian: np.ndarray) -> None:
    assert 3 < entropy(of(gaussian)) <= np.abs(gaussian).max()


def test_what_is_observed_is_what_ran_through(models: dict[str, Contract]) -> None:
    """The input of a network's first layer is the tensor itself: its ends and counts are known."""
    floats = graph.load(models["sr"].path)
    name = floats.inputs[0].name
    first = graph.weighted(floats)[0].inputs[0].name
    batch = np.linspace(0, 0.5, 3 * 32 * 192, dtype=np.float32).reshape(1, 3, 32, 192)
    seen = observe(floats, [name, first], lambda: [batch, 2 * batch])
    assert seen[name].most == pytest.approx(1.0)
    assert reached(floats, [name], lambda: [batch - 0.25, 2 * batch]) == {name: pytest.approx((-0.25, 1.0))}
    assert seen[name].counts.sum() == 2 * (batch.size - 1), "zeros are not counted"
    assert (seen[first].counts == seen[name].counts).all(), "PixelUnshuffle moves numbers and changes none"


def test_an_empty_set_is_refused(models: dict[str, Contract]) -> None:
    floats = graph.load(models["sr"].path)
    with pytest.raises(ValueError, match="calibration select"):
        observe(floats, qdq.watched(floats, graph.candidates(floats, "sr")), list)
