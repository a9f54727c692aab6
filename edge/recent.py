"""The last of many numbers, in memory that is taken once: what fills for hours looks like a leak, and hides one."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

KEPT = 20_000


class Recent:
    """The last `kept` numbers, in no order. One thread appends, any may read."""

    def __init__(self, kept: int = KEPT) -> None:
        self._values, self._count = array("d", bytes(8 * kept)), 0

    def append(self, value: float) -> None:
        self._values[self._count % len(self._values)] = value
        self._count += 1

    def clear(self) -> None:
        self._count = 0

    def __len__(self) -> int:
        return min(self._count, len(self._values))

    def __iter__(self) -> Iterator[float]:
        return iter(self._values[: len(self)])
