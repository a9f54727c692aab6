"""What a calibration set has to hold: every country, one and two lines, every height, every severity, by day and by night."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from training.synth import layouts
from training.synth.layouts import Layout

COUNTRIES = tuple(layouts.MAKERS)
LINES_PX = ((10.0, 14.0), (14.0, 20.0), (20.0, 30.0), (30.0, 44.0))
"""Heights of one line of text, from what the gate just lets through to what fills the reader's picture."""
SEVERITIES = ((0.0, 0.35), (0.35, 0.7), (0.7, 1.1))
HOURS = ("day", "night")
TRIES = 200
"""Layouts drawn before a country is said to have no plate of so many lines; the rarest kind is one in ten."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """One cell of the set."""

    country: str
    lines: int
    line_px: tuple[float, float]
    severity: tuple[float, float]
    hour: str


def strata() -> list[Stratum]:
    """Every cell that exists, in a fixed order."""
    kinds = [(country, lines) for country in COUNTRIES for lines in lines_of(country)]
    return [Stratum(country, lines, *rest) for (country, lines), *rest in product(kinds, LINES_PX, SEVERITIES, HOURS)]


def scene_strata() -> list[Stratum]:
    """Cells of the scenes: a country each, in turn, for a picture shows several plates and costs two hundred crops."""
    kinds = [(country, lines) for country in COUNTRIES for lines in lines_of(country)]
    cells = list(product((1, 2), LINES_PX, SEVERITIES, HOURS))
    by_lines = {lines: [country for country, count in kinds if count == lines] for lines in (1, 2)}
    return [Stratum(by_lines[cell[0]][i % len(by_lines[cell[0]])], *cell) for i, cell in enumerate(cells)]


def lines_of(country: str) -> tuple[int, ...]:
    """How many lines a country's plates have, as they are rendered."""
    rng = np.random.default_rng(0)
    return tuple(sorted({len(layouts.sample(rng, (country,)).lines) for _ in range(TRIES)}))


def layout(rng: np.random.Generator, country: str, lines: int) -> Layout:
    """A random layout of a country with so many lines. Raises ValueError where it has none."""
    for _ in range(20 * TRIES):
        drawn = layouts.sample(rng, (country,))
        if len(drawn.lines) == lines:
            return drawn
    raise ValueError(f"{country} has no plate of {lines} lines; it has {lines_of(country)}")
