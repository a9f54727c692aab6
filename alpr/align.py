"""Lattices of one plate, of different lengths, laid over each other so that equal positions speak of the same character.

A dropped or doubled character would otherwise shift every later vote. Reads are aligned one after another, best first, to a
profile that grows columns as it needs them (progressive alignment; Needleman and Wunsch, 1970, with profiles as in Gribskov
et al., 1987; our own code). ROVER (Fiscus, 1997) votes over recognisers the same way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alpr.decode import BLANK
from alpr.types import F32

F64 = NDArray[np.float64]

GAP = -2.5
"""Log-odds of a character missed or doubled: two of them cost more than any one disagreement, so noise opens no gaps."""
DISAGREE = 0.04
"""Least agreement, relative to chance, that two characters are charged for: log 0.04 = -3.2."""
EXISTS = 0.02
"""A slot whose character exists with less than this probability is behind the end of its read."""


def rows(lattice: F32) -> F64:
    """The slots of a lattice (slots, 37) that may hold a character → (n, 37)."""
    wide = lattice.astype(np.float64)
    return wide[: np.count_nonzero(np.cumprod(1 - wide[:, BLANK]) >= EXISTS)]


def profile(reads: Sequence[F64], weights: F64) -> F64:
    """Lay the rows of each read (n, 37) over each other → (reads, columns, 37), NaN where a read has nothing for a column.

    The first read gives the first columns; weights (reads,) say how much each counts in what the next is compared with.
    """
    placed = [np.arange(len(read)) for read in reads[:1]]
    columns = len(reads[0]) if reads else 0
    consensus = reads[0] * weights[0] if reads else np.zeros((0, BLANK + 1))
    for read, weight in zip(reads[1:], weights[1:], strict=True):
        if runs_along(consensus, read):
            placed.append(np.arange(columns))
            consensus += read * weight
            continue
        path = align(consensus, read)
        moved, mine = (np.flatnonzero(side) for side in np.array(path, bool).reshape(-1, 2).T)
        placed = [moved[at] for at in placed]
        columns, old = len(path), consensus
        consensus = np.zeros((columns, BLANK + 1))
        consensus[moved] = old
        consensus[mine] += read * weight
        placed.append(mine)
    laid = np.full((len(reads), columns, BLANK + 1), np.nan)
    for layer, read, at in zip(laid, reads, placed, strict=True):
        layer[at] = read
    return laid


def runs_along(consensus: F64, read: F64) -> bool:
    """Whether a read has the consensus's length and all of its characters but one: that is never worth two gaps."""
    if len(consensus) != len(read):
        return False
    return int(np.count_nonzero(consensus.argmax(axis=1) == read.argmax(axis=1))) >= len(read) - 1


def align(consensus: F64, read: F64) -> list[tuple[bool, bool]]:
    """The best alignment of a read (m, 37) with a consensus (n, 37), as columns (in the consensus, in the read)."""
    return _trace(agreement(consensus, read).tolist(), len(consensus), len(read))


def agreement(a: F64, b: F64) -> F64:
    """How much more likely than chance the characters of two sets of rows are the same, as log-odds (n, m)."""
    a, b = a[:, :BLANK], b[:, :BLANK]
    same = (a / np.maximum(a.sum(axis=1, keepdims=True), 1e-9)) @ (b / np.maximum(b.sum(axis=1, keepdims=True), 1e-9)).T
    odds: F64 = np.log(np.maximum(same * BLANK, DISAGREE))
    return odds


def _trace(scores: list[list[float]], n: int, m: int) -> list[tuple[bool, bool]]:
    best = [[GAP * j for j in range(m + 1)]]
    for row in scores:
        above, left = best[-1], best[-1][0] + GAP
        line = [left]
        for corner, over, score in zip(above, above[1:], row, strict=False):
            gap = (over if over > left else left) + GAP
            left = corner + score
            if gap > left:
                left = gap
            line.append(left)
        best.append(line)
    path: list[tuple[bool, bool]] = []
    while n or m:
        if n and m and best[n][m] == best[n - 1][m - 1] + scores[n - 1][m - 1]:
            step = (True, True)
        elif n and best[n][m] == best[n - 1][m] + GAP:
            step = (True, False)
        else:
            step = (False, True)
        path.append(step)
        n, m = n - step[0], m - step[1]
    return path[::-1]
