"""A process as the kernel shows it from outside (Linux's /proc): its memory, descriptors, threads and children."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class Vitals:
    """A moment of a process."""

    rss_mib: float
    fds: int
    threads: int
    children: int  # those that ended and nobody waited for, too
    children_rss_mib: float

    @staticmethod
    def of(pid: int) -> Vitals:
        """Raises OSError where there is no such process."""
        folder = Path(f"/proc/{pid}")
        threads = list((folder / "task").iterdir())
        children = [int(child) for thread in threads for child in _text(thread / "children").split()]
        fds = len(list((folder / "fd").iterdir()))
        return Vitals(round(rss_mib(pid), 2), fds, len(threads), len(children), round(sum(map(rss_mib, children)), 1))


def rss_mib(pid: int) -> float:
    """What is resident; 0 for a process that has ended."""
    lines = _text(Path(f"/proc/{pid}/status")).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0) / 1024


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The median of the slopes between all pairs of points (Theil and Sen), in y a x: one step, or one peak, is no growth."""
    first, second = np.triu_indices(len(x), 1)
    along, up = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return float(np.median((up[second] - up[first]) / (along[second] - along[first])))


def _text(file: Path) -> str:
    """A thread or a child may end while one looks."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
