"""The cheapest one-to-one assignment: Kuhn-Munkres by shortest augmenting paths (Jonker and Volgenant, 1987; our own code)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def assign(costs: F64, allowed: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Pairs (row, column) of a (n, m) cost matrix, as many as `allowed` lets be, at the least total cost."""
    if not allowed.any():
        return []
    forbidden = 1.0 + 2.0 * float(np.abs(costs[allowed]).sum())  # dearer than every allowed pair together
    costs = np.where(allowed, costs, forbidden)
    nearest = costs.argmin(axis=1)
    rows = np.flatnonzero(allowed.any(axis=1))
    if len(set(nearest[rows].tolist())) == len(rows):  # nobody wants the same: each row's own best is the best of all
        return [(int(row), int(nearest[row])) for row in rows]
    turned = len(costs) > costs.shape[1]
    pairs = _shortest_paths(costs.T if turned else costs)
    return [pair for pair in ((b, a) if turned else (a, b) for a, b in pairs) if allowed[pair]]


def _shortest_paths(costs: F64) -> list[tuple[int, int]]:
    """Every row of a (n, m) matrix, n <= m, to a column of its own."""
    n, m = costs.shape
    row_price, column_price = np.zeros(n + 1), np.zeros(m + 1)
    owner = np.full(m + 1, n)  # of each column; column m stands for the row that looks for one, row n for nobody
    for row in range(n):
        owner[m] = row
        _augment(costs, row_price, column_price, owner)
    return sorted((int(owner[column]), column) for column in range(m) if owner[column] < n)


def _augment(costs: F64, row_price: F64, column_price: F64, owner: NDArray[np.intp]) -> None:
    """Find the row that column m stands for a column, moving others where that is cheaper in total."""
    n, m = costs.shape
    slack, before, seen = np.full(m, np.inf), np.full(m, m), np.zeros(m + 1, bool)
    column = m
    while owner[column] < n:
        seen[column] = True
        reduced = costs[owner[column]] - row_price[owner[column]] - column_price[:m]
        better = ~seen[:m] & (reduced < slack)
        slack[better], before[better] = reduced[better], column
        best = int(np.where(seen[:m], np.inf, slack).argmin())
        step = slack[best]
        row_price[owner[seen]] += step
        column_price[seen] -= step
        slack[~seen[:m]] -= step
        column = best
    while column != m:
        owner[column] = owner[before[column]]
        column = int(before[column])
