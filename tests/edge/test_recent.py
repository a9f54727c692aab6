from __future__ import annotations

import tracemalloc

from edge.recent import Recent


def test_the_last_ones_are_kept() -> None:
    recent = Recent(kept=4)
    assert not recent and list(recent) == []
    for number in range(3):
        recent.append(number)
    assert sorted(recent) == [0, 1, 2]
    for number in range(3, 10):
        recent.append(number)
    assert sorted(recent) == [6, 7, 8, 9] and len(recent) == 4
    recent.clear()
    assert list(recent) == []


def test_it_does_not_grow_while_it_fills() -> None:
    """20,000 floats in a deque took 0.6 MiB a stage, over hours where events are few."""
    tracemalloc.start()
    recent = Recent()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(30_000):
        recent.append(number / 3)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert before > 100_000 and after - before < 2_000
