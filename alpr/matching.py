"""How probable it is that a track's characters are exactly one of the plates of a list, against everything else they may be.

Bayes, as in alpr.syntax: a text's prior under the grammar (or as a plate of an unknown country) times its evidence, over the sum of that
for all texts. A listed plate is admitted however far it is from what was read: it was named by somebody, so nothing is lost by weighing
it. What was read may also lack one character of the plate or have one too many, at the odds GAP.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from alpr.decode import BLANK
from alpr.evidence import FREE, best_path, weigh
from alpr.syntax import BOTH, OTHER_CHARACTERS, Grammar
from alpr.types import ALPHABET, F32, Vote
from alpr.variants import VALID, tables_of

F64 = NDArray[np.float64]

GAP = 1e-3
"""Odds of one character dropped or one read too many, at each place."""
DOUBT = 1e-4
"""Share of anything in each position: a reader that is wrong is often sure of it, and 1e-9 would be a veto."""

UNBOUNDED = np.full((FREE + 1, FREE + 1), -np.inf)
"""No change of a character is too far: everything competes."""


class Matcher:
    """The plates of a list, ready to be weighed against lattices. Immutable: threads may share it."""

    def __init__(self, plates: Sequence[str], grammar: Grammar) -> None:
        """Plates of A-Z0-9; one that no loaded region knows is weighed as a foreign one. Raises ValueError for other characters."""
        self._plates = np.array([_indices(plate, max(map(len, plates))) for plate in plates], np.intp)
        self._lengths = np.array([len(plate) for plate in plates], np.intp)
        self._log_prior = np.array([variant.log_prior for variant in grammar.variants])
        self._two_lines = np.array([variant.pattern.two_lines for variant in grammar.variants])
        longest = max((len(variant.form.separators) for variant in grammar.variants), default=0)
        self._tables = tables_of(grammar.variants, longest + 1)
        owners = [(i, v) for i, plate in enumerate(plates) for v, each in enumerate(grammar.variants) if each.form.accepts(plate)]
        self._owned, self._owner = np.array(owners, np.intp).reshape(-1, 2).T
        self._known = np.isin(np.arange(len(plates)), self._owned)

    def __call__(self, vote: Vote) -> F64:
        """The probability of each plate (n,), in their order; 0 for a vote without a character."""
        if vote.lattice is None:
            return np.zeros(len(self._plates))
        return self._weighed(vote.lattice, float(vote.lines == 2))

    def _weighed(self, lattice: F32, two_lines: float) -> F64:
        mixed = (1 - DOUBT) * lattice.astype(np.float64) + DOUBT / (BLANK + 1)
        log_p = np.log(mixed / mixed.sum(axis=1, keepdims=True))
        lines = np.maximum(two_lines * self._two_lines + (1 - two_lines) * (1 - self._two_lines), BOTH)
        of_variants = self._log_prior + np.log(lines)
        prior = log(1 - VALID) - self._lengths * log(OTHER_CHARACTERS)
        np.logaddexp.at(prior, self._owned, of_variants[self._owner])
        straight, gapped = _evidence(log_p, self._plates, self._lengths)
        raw = best_path(lattice)
        total = self._total(log_p, raw, of_variants)
        counted = self._known | (self._lengths == len(raw))
        own = np.where(counted, gapped, np.logaddexp(straight, gapped))  # what the total does not hold yet
        probabilities: F64 = np.exp(prior + np.logaddexp(straight, gapped) - np.logaddexp(total, prior + own))
        return probabilities

    def _total(self, log_p: F64, raw: NDArray[np.intp], of_variants: F64) -> float:
        """Log of prior times evidence, summed over all texts: those of the grammar, and foreign ones as long as what was read."""
        evidence = weigh(log_p, raw, self._tables, UNBOUNDED)
        foreign = log(1 - VALID) - len(raw) * log(OTHER_CHARACTERS)
        return float(np.logaddexp.reduce(of_variants[evidence.variants] + evidence.log_mass, initial=foreign))


def _evidence(log_p: F64, plates: NDArray[np.intp], lengths: NDArray[np.intp]) -> tuple[F64, F64]:
    """Log-evidence (n,) for plates (n, longest + 1) read character by character, and with one character missing or one too many."""
    slots = plates.shape[1]
    wide = np.full((slots + 2, FREE + 1), log(DOUBT / (BLANK + 1)))
    wide[:, BLANK] = 0.0
    wide[: len(log_p), : BLANK + 1] = log_p[: slots + 2]
    wide[:, FREE] = 0.0
    place = np.arange(slots)
    straight, late = wide[place, plates], wide[place + 1, plates]
    early = np.zeros_like(straight)
    early[:, 1:] = wide[place[:-1], plates[:, 1:]]
    before = np.concatenate([np.zeros((len(plates), 1)), np.cumsum(straight, axis=1)[:, :-1]], axis=1)  # what is left of each place
    missed = before + _behind(early) - early
    extra = before + _behind(late)
    missed[place >= lengths[:, None]] = -np.inf
    extra[place > lengths[:, None]] = -np.inf
    either = np.logaddexp(np.logaddexp.reduce(missed, axis=1), np.logaddexp.reduce(extra, axis=1))
    return straight.sum(axis=1), log(GAP) + either


def _behind(values: F64) -> F64:
    """The sum from each place to the end."""
    return np.cumsum(values[:, ::-1], axis=1)[:, ::-1]


def _indices(plate: str, longest: int) -> list[int]:
    """A plate's characters, its end, and free places up to `longest` + 1."""
    if not plate or not set(plate) <= set(ALPHABET):
        raise ValueError(f"plate is {plate!r}, expected characters of A-Z0-9")
    return [*map(ALPHABET.index, plate), BLANK, *[FREE] * (longest - len(plate))]
