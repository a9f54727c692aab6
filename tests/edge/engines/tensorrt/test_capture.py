"""CUDA graphs through libcuda, with a stand-in for the library: every call in order, and no stream left capturing."""

from __future__ import annotations

import ctypes
import logging
from typing import Any

import pytest

from edge.engines.tensorrt.capture import CaptureError, Driver, Replay
from edge.engines.tensorrt.timeline import Timeline, covered_ms
from tests.edge.engines.tensorrt.cuda_standin import Cuda, Event, Stream


class Library:
    """libcuda: remembers its calls; `fails`: the function that answers with an error."""

    def __init__(self, fails: str = "", lacks: str = "") -> None:
        self.calls: list[str] = []
        self._fails, self._lacks = fails, lacks

    def __getattr__(self, name: str) -> Any:
        if name == self._lacks:
            raise AttributeError(name)

        def call(*arguments: Any) -> int:
            self.calls.append(name)
            if name == "cuGetErrorString":
                ctypes.cast(arguments[1], ctypes.POINTER(ctypes.c_char_p))[0] = b"out of memory"
            elif name == "cuGraphInstantiateWithFlags":
                ctypes.cast(arguments[0], ctypes.POINTER(ctypes.c_void_p))[0] = 77
            return 2 if name == self._fails else 0

        return call


def replay(library: Library | None, work: Any = lambda: None) -> Replay:
    return Replay(Driver(library) if library else None, Stream(), work, "reader 1x3x64x128", Timeline(Cuda))


def test_work_is_warmed_up_captured_and_then_only_replayed() -> None:
    library, runs = Library(), list[int]()
    made = replay(library, lambda: runs.append(1))
    made.warm_up()
    assert made.captured and len(runs) == 3  # twice to warm up, once to be recorded
    assert library.calls == ["cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphDestroy"]
    made()
    assert library.calls[-1] == "cuGraphLaunch" and len(runs) == 3
    made.close()
    made.close()
    assert library.calls.count("cuGraphExecDestroy") == 1


@pytest.mark.parametrize("fails", ["cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags"])
def test_a_refused_step_leaves_plain_calls(fails: str, caplog: pytest.LogCaptureFixture) -> None:
    library, runs = Library(fails), list[int]()
    made = replay(library, lambda: runs.append(1))
    with caplog.at_level(logging.WARNING):
        made.warm_up()
    assert f"reader 1x3x64x128 runs without a CUDA graph: {fails}: error 2 (out of memory)" in caplog.text
    before = len(runs)
    made()
    assert not made.captured and len(runs) == before + 1


def test_a_stream_is_never_left_capturing() -> None:
    """Work that raises while it is recorded: a stream that still captures would refuse every later synchronisation."""
    library = Library()

    def broken() -> None:
        raise ArithmeticError("in the middle")

    with pytest.raises(ArithmeticError):
        Driver(library).capture(7, broken)
    assert library.calls == ["cuStreamBeginCapture_v2", "cuStreamEndCapture"]


def test_an_old_driver_is_named() -> None:
    with pytest.raises(CaptureError, match=r"no cuGraphInstantiateWithFlags: graphs need CUDA 11.4"):
        Driver(Library(lacks="cuGraphInstantiateWithFlags")).capture(7, lambda: None)


def test_without_libcuda_there_are_no_graphs() -> None:
    made = replay(None)
    made.warm_up()
    made()
    assert not made.captured


def test_the_gpu_s_time_is_the_union_of_what_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    assert covered_ms([(0, 2), (1, 3), (5, 6), (5.5, 5.7)]) == 4
    assert covered_ms([]) == 0
    timeline, stream = Timeline(Cuda), Stream()
    with timeline.around("before", stream):
        pass
    timeline.begin(stream)
    with timeline.around("reader", stream):
        pass
    clock = iter(range(10))
    monkeypatch.setattr(Event, "time_since", lambda event, other: float(next(clock)))
    assert timeline.end() == {"reader": [(0.0, 1.0)]}
    assert timeline.end() == {}
