"""What the reads of one track say together: characters aligned, weighed, summed as evidence; then the grammar scores the vote.

Evidence is pooled as a weighted sum of log-probabilities, sharpened as if the reads were n_eff ** TEMPER independent ones
(n_eff: Kish's effective number, (Σw)² / Σw²). Frames of one vehicle share their blur, angle and dirt, so their errors agree:
eight reads count as 2.8, and a single read as itself. Each probability is first mixed with a little of anything (DOUBT), so
that one overconfident frame cannot veto the others. A read without a character for a column votes for its absence, weakly
(MISSED): a crop may be cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from alpr.align import profile, rows
from alpr.decode import BLANK
from alpr.evidence import best_path
from alpr.syntax import Grammar, Parse
from alpr.types import ALPHABET, F32, Candidate, CharacterVote, Read, RegionMatch, Vote

TEMPER = 0.5
DOUBT = 0.01
MISSED = 0.8
CANDIDATES = 5
OTHERS = 3
WORTH_SAYING = 0.002
"""Runners-up and candidates below this probability are left out."""


def vote(reads: Sequence[Read], weights: Sequence[float] | None, grammar: Grammar) -> Vote:
    """The reads of a track, each with its crop's weight (None: all alike; ≥ 0), as one plate.

    A read also counts by its `certainty`. Reads without a character, with a value that is no number or of weight 0 are
    counted but say nothing. Raises ValueError where the weights are not as many as the reads, below 0 or no numbers.
    """
    each = _weights(reads, weights)
    speaking = sorted((i for i in range(len(reads)) if each[i] > 0), key=lambda i: -each[i])
    if not speaking:
        return _silence(reads)
    heard = [reads[i] for i in speaking]
    strength = each[speaking]
    lattice = pool([rows(read.lattice) for read in heard], strength)
    two_lines = float(np.average([read.two_lines for read in heard], weights=strength))
    raw = "".join(ALPHABET[i] for i in best_path(lattice))
    parses = grammar.parse(lattice, two_lines, CANDIDATES)
    plate = parses[0]
    return Vote(
        plate=plate.text,
        raw=raw,
        lines=2 if two_lines > 0.5 else 1,
        score=plate.score,
        chars=_characters(plate.text, lattice),
        candidates=_candidates(parses, lattice),
        region=plate.region,
        reads=len(reads),
        agreeing=sum(read.text == raw for read in reads),
        enhanced=sum(read.enhanced for read in reads),
        lattice=lattice,
    )


def weakest(vote: Vote) -> float:
    """The lowest probability that the evidence alone gives to a character of the plate; 0 without characters."""
    return min((char.score for char in vote.chars), default=0.0)


def margin(vote: Vote) -> float:
    """How much more probable the plate is than the next candidate, 0..1."""
    scores = [candidate.score for candidate in vote.candidates[:2]]
    return scores[0] - sum(scores[1:]) if scores else 0.0


def pool(reads: Sequence[NDArray[np.float64]], weights: NDArray[np.float64]) -> F32:
    """Rows (n, 37) of each read, best read first, and their weights (reads,) → one lattice (slots, 37)."""
    laid = profile(reads, weights)
    absent = np.full(BLANK + 1, (1 - MISSED) / BLANK)
    absent[BLANK] = MISSED
    laid = np.where(np.isnan(laid), absent, laid)
    laid = (1 - DOUBT * (len(reads) > 1)) * laid + DOUBT * (len(reads) > 1) / (BLANK + 1)
    total = weights.sum()
    power = weights / total * (total**2 / (weights**2).sum()) ** TEMPER
    log_p = np.tensordot(power, np.log(np.maximum(laid, 1e-9)), axes=1)
    log_p -= log_p.max(axis=1, keepdims=True)
    fused = np.exp(log_p)
    fused /= fused.sum(axis=1, keepdims=True)
    return _closed(fused)


def _closed(fused: NDArray[np.float64]) -> F32:
    """Drop the columns within the text that the vote finds empty, and end it with a certain blank."""
    present = fused.argmax(axis=1) != BLANK
    last = int(np.flatnonzero(present)[-1]) if present.any() else -1
    present[last + 1 :] = True  # an uncertain end stays: a longer text is still a candidate
    end = np.zeros((1, BLANK + 1))
    end[0, BLANK] = 1
    return np.concatenate([fused[present], end]).astype(np.float32)


def _weights(reads: Sequence[Read], weights: Sequence[float] | None) -> NDArray[np.float64]:
    given: NDArray[np.float64] = np.array([1.0] * len(reads) if weights is None else weights, np.float64)
    if given.shape != (len(reads),) or not np.isfinite(given).all() or (given < 0).any():
        raise ValueError(f"weights are {weights!r}, expected {len(reads)} finite numbers, none below 0: one a read")
    each: NDArray[np.float64] = given * np.array([certainty(read) for read in reads], np.float64)
    heaviest = float(each.max(initial=0))
    return each / heaviest if heaviest else each  # so that small weights do not vanish when squared


def certainty(read: Read) -> float:
    """How much a read says by itself, 0..1: its mean score, squared, which on rendered passes published more plates right at as many
    wrong ones; 0 where there is nothing to hear."""
    sound = read.text and isfinite(float(read.lattice.sum()))  # one value that is no number makes the sum none
    return (float(read.scores.sum()) / len(read.text)) ** 2 if sound else 0.0


def _characters(plate: str, lattice: F32) -> tuple[CharacterVote, ...]:
    """The plate's characters as the evidence sees them, so one that the grammar chose may have a likelier runner-up."""
    rows = lattice[: len(plate), :BLANK]
    order = np.argsort(-rows, axis=1)[:, : OTHERS + 1]
    return tuple(_character(char, row, best) for char, row, best in zip(plate, rows.tolist(), order.tolist(), strict=True))


def _character(char: str, row: list[float], best: list[int]) -> CharacterVote:
    others = [Candidate(ALPHABET[i], row[i]) for i in best if ALPHABET[i] != char and row[i] >= WORTH_SAYING]
    return CharacterVote(char, row[ALPHABET.index(char)], tuple(others[:OTHERS]))


def _candidates(parses: Sequence[Parse], lattice: F32) -> tuple[Candidate, ...]:
    """The plate first, then what else it may be: the grammar's other texts and the plate with one character exchanged."""
    plate = parses[0]
    scores = {parse.text: parse.score for parse in parses if parse.score >= WORTH_SAYING}
    chosen = [ALPHABET.index(char) for char in plate.text]
    rows = lattice[: len(chosen), :BLANK]
    own = np.maximum(rows[np.arange(len(chosen)), chosen], 1e-9)[:, None]
    for i, other in np.argwhere(rows * plate.score >= WORTH_SAYING * own):
        text = plate.text[:i] + ALPHABET[other] + plate.text[i + 1 :]
        if text not in scores and (plate.form is None or plate.form.accepts(text)):
            scores[text] = min(plate.score, plate.score * float(rows[i, other] / own[i, 0]))
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    ranked.sort(key=lambda item: item[0] != plate.text)
    return tuple(Candidate(text, score) for text, score in ranked[:CANDIDATES])


def _silence(reads: Sequence[Read]) -> Vote:
    """The vote when no read has a character."""
    agreeing = sum(not read.text for read in reads)
    nothing = RegionMatch("", "", 0.0, False)
    return Vote("", "", 1, 0.0, (), (), nothing, len(reads), agreeing, sum(read.enhanced for read in reads))
