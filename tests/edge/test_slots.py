"""Where cameras leave frames: the newest wins when live and drops are counted; from recordings every frame is seen."""

from __future__ import annotations

import threading

import numpy as np

from alpr.types import Frame
from edge.slots import Slots


def frame(camera: str, number: int) -> Frame:
    return Frame(np.zeros((2, 2, 3), np.uint8), camera, number, 0, 0.0, 0)


def test_live_the_newest_frame_wins_and_the_others_are_counted() -> None:
    slots, stop = Slots(["a"]), threading.Event()
    for number in range(5):
        slots.put(frame("a", number), True, stop)
    (taken,) = slots.take(stop)
    assert taken.number == 4
    assert slots.dropped == {"a": 4}


def test_a_recording_waits_for_room_and_loses_nothing() -> None:
    slots, stop = Slots(["a"], depth=2), threading.Event()

    def fill() -> None:
        for number in range(50):
            slots.put(frame("a", number), False, stop)
        slots.end("a")

    threading.Thread(target=fill, daemon=True).start()
    seen = []
    while taken := slots.take(stop):
        seen += [each.number for each in taken]
    assert seen == list(range(50))
    assert slots.dropped == {"a": 0}


def test_cameras_take_turns_and_the_end_is_the_end_of_all() -> None:
    slots, stop = Slots(["a", "b"], depth=4), threading.Event()
    for number in range(3):
        slots.put(frame("a", number), False, stop)
    slots.put(frame("b", 0), False, stop)
    slots.end("a")
    order = [taken.camera for _ in range(4) for taken in slots.take(stop)]
    assert sorted(order) == ["a", "a", "a", "b"] and "b" in order[:2]
    slots.end("b")
    assert slots.take(stop) == []


def test_several_cameras_are_taken_at_once_one_frame_of_each() -> None:
    """And the next round begins where the last one ended: nobody is left out."""
    slots, stop = Slots(["a", "b", "c"], depth=4), threading.Event()
    for camera in "abc":
        for number in range(2):
            slots.put(frame(camera, number), False, stop)
    rounds = [[(each.camera, each.number) for each in slots.take(stop, most=2)] for _ in range(3)]
    assert all(len({camera for camera, _ in taken}) == 2 for taken in rounds)
    assert sorted(taken for each in rounds for taken in each) == [(camera, number) for camera in "abc" for number in range(2)]


def test_one_camera_alone_does_not_wait_for_the_others() -> None:
    slots, stop = Slots(["a", "b"]), threading.Event()
    slots.put(frame("a", 0), True, stop)
    assert [each.camera for each in slots.take(stop, most=4)] == ["a"]


def test_stop_wakes_both_sides() -> None:
    slots, stop = Slots(["a"], depth=1), threading.Event()
    slots.put(frame("a", 0), False, stop)
    threads = [threading.Thread(target=slots.put, args=(frame("a", 1), False, stop), daemon=True)]
    empty = Slots(["a"])
    threads.append(threading.Thread(target=empty.take, args=(stop,), daemon=True))
    for thread in threads:
        thread.start()
    stop.set()
    for thread in threads:
        thread.join(2)
        assert not thread.is_alive()
