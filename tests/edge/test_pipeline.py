"""The threads and queues: nothing lost, nothing out of order, no failure unseen, no hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from edge.pipeline import Pipeline, Stage, StageError, in_one_thread


def numbers(count: int) -> Callable[[], int | None]:
    left = iter(range(count))
    return lambda: next(left, None)


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

    pipeline = Pipeline([], lambda: 20, [Stage(name, work(name)) for name in ("first", "second", "third")], stop)
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
    pipeline = Pipeline([("camera gate", camera)], lambda: None if stop.wait(0.01) else 1, [Stage("only", lambda item: ())], stop)
    pipeline.start()
    with pytest.raises(StageError, match="camera gate failed: OSError: the cable"):
        while not pipeline.wait(0.05):
            pass


def test_close_wakes_a_stage_that_waits_for_room_and_names_one_that_is_stuck() -> None:
    release = threading.Event()
    stop = threading.Event()
    pipeline = Pipeline([], lambda: 1, [Stage("fast", lambda item: (item,)), Stage("stuck", lambda item: release.wait(30) and ())], stop)
    pipeline.start()
    assert _until(lambda: pipeline.waiting()["stuck"] == 8)  # the queue is full, so `fast` waits for room
    assert pipeline.close(0.5) == ["stuck"]
    release.set()
    assert pipeline.close(2) == []


def _until(holds: Callable[[], bool], timeout_s: float = 5) -> bool:
    end = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    return holds()
