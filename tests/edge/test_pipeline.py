"""The threads and queues: nothing lost, nothing out of order, no failure unseen, no hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import pytest

from edge.pipeline import Pipeline, Stage, StageError, in_one_thread


def numbers(count: int) -> Callable[[int], list[int]]:
    left = iter(range(count))
    return lambda most: list(islice(left, most))


def stages(seen: list[int]) -> tuple[Stage, ...]:
    def keep(item: int) -> Iterable[int]:
        seen.append(item)
        return (item,)

    return (
        Stage("twice", lambda item: (item, item), lambda: (-1,)),
        Stage("odd", lambda item: (item,) if item % 2 else ()),
        Stage("keep", keep, lambda: keep(-2)),
    )


EXPECTED = [n for n in range(50) if n % 2 for _ in range(2)] + [-1, -2]


def test_every_item_passes_in_order_and_what_stages_hold_comes_last() -> None:
    seen: list[int] = []
    pipeline = Pipeline([], numbers(50), stages(seen), threading.Event())
    pipeline.start()
    assert pipeline.wait(5)
    assert seen == EXPECTED
    assert pipeline.timings["twice"].count == 50
    assert pipeline.close() == []


def test_one_thread_gives_what_many_do() -> None:
    seen: list[int] = []
    list(in_one_thread(range(50), stages(seen)))
    assert seen == EXPECTED


@pytest.mark.parametrize("broken", ["first", "second", "third"])
def test_an_exception_in_any_stage_reaches_the_owner_and_stops_the_rest(broken: str) -> None:
    stop = threading.Event()

    def work(name: str) -> Callable[[Any], Iterable[Any]]:
        def run(item: Any) -> Iterable[Any]:
            if name == broken and item == 20:
                raise ZeroDivisionError("the field's bug")
            return (item,)

        return run

    pipeline = Pipeline([], lambda most: [20], [Stage(name, work(name)) for name in ("first", "second", "third")], stop)
    pipeline.start()
    started = time.monotonic()
    with pytest.raises(StageError, match=f"{broken} failed: ZeroDivisionError: the field's bug") as caught:
        while not pipeline.wait(0.05):
            assert time.monotonic() - started < 2
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert pipeline.close(2) == []


def test_a_source_that_fails_is_no_end_of_the_recording() -> None:
    def camera() -> None:
        raise OSError("the cable")

    stop = threading.Event()
    pipeline = Pipeline([("camera gate", camera)], lambda most: [] if stop.wait(0.01) else [1], [Stage("only", lambda item: ())], stop)
    pipeline.start()
    with pytest.raises(StageError, match="camera gate failed: OSError: the cable"):
        while not pipeline.wait(0.05):
            pass


def test_close_wakes_a_stage_that_waits_for_room_and_names_one_that_is_stuck() -> None:
    release = threading.Event()
    stop = threading.Event()
    stuck = Stage("stuck", lambda item: release.wait(30) and ())
    pipeline = Pipeline([], lambda most: [1], [Stage("fast", lambda item: (item,)), stuck], stop)
    pipeline.start()
    assert _until(lambda: pipeline.waiting()["stuck"] == 8)  # the queue is full, so `fast` waits for room
    assert pipeline.close(0.5) == ["stuck"]
    release.set()
    assert pipeline.close(2) == []


def test_what_waits_is_done_together_and_in_order() -> None:
    """As many as the stage takes, and one alone where no more wait."""
    batches: list[Sequence[int]] = []
    begun, gate = threading.Event(), threading.Event()
    feed = iter(range(9))

    def first(most: int) -> list[int]:
        if pipeline.timings["in"].count:
            begun.wait(5)  # only the first is there when the stage begins
        return list(islice(feed, most))

    def together(items: Sequence[int]) -> Iterable[int]:
        batches.append(tuple(items))
        return items

    def alone(item: int) -> Iterable[int]:
        begun.set()
        gate.wait(10)  # the others come to wait behind the first
        return together([item])

    seen: list[int] = []
    several = Stage("several", alone, tuple, together, 4)
    stages = (Stage("in", lambda n: (n,)), several, Stage("last", lambda item: seen.append(item) or ()))
    pipeline = Pipeline([], first, stages, threading.Event())
    pipeline.start()
    assert _until(lambda: pipeline.timings["in"].count == 9)
    gate.set()
    assert pipeline.wait(5)
    assert seen == list(range(9)) and batches[0] == (0,)
    assert [len(batch) for batch in batches[1:]] == [4, 4]
    assert pipeline.timings["several"].count == 9 and sum(pipeline.timings["several"].histogram) == 9


def test_the_first_stage_is_told_how_many_it_may_take() -> None:
    asked: list[int] = []

    def first(most: int) -> list[int]:
        asked.append(most)
        return [1, 2, 3] if len(asked) == 1 else []

    done: list[Any] = []
    only = Stage("only", lambda item: (), tuple, lambda items: done.append(list(items)) or (), 3)
    pipeline = Pipeline([], first, [only], threading.Event())
    pipeline.start()
    assert pipeline.wait(5) and asked == [3, 3] and done == [[1, 2, 3]]


def _until(holds: Callable[[], bool], timeout_s: float = 5) -> bool:
    end = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    return holds()
