"""CUDA graphs through libcuda itself: pycuda has no call for them. A sequence is captured once and replayed with one launch."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from typing import Any

from edge.engines.tensorrt.timeline import Timeline

log = logging.getLogger(__name__)
THREAD_LOCAL = 1
"""CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other stages' threads may allocate and copy meanwhile."""


class CaptureError(RuntimeError):
    """libcuda refused a step of capturing; the message names step and error."""


class Driver:
    """The few functions of libcuda that graphs need; there since CUDA 11.4, JetPack 5's."""

    def __init__(self, library: Any) -> None:
        self._library = library

    @staticmethod
    def load() -> Driver | None:
        """None where libcuda cannot be loaded: then nothing is captured."""
        try:
            return Driver(ctypes.CDLL("libcuda.so.1"))
        except OSError as error:
            log.warning("no CUDA graphs: %s", error)
            return None

    def capture(self, stream: int, work: Callable[[], None]) -> int:
        """Record what `work` enqueues on a stream, without running it → an executable graph. Raises CaptureError."""
        self._call("cuStreamBeginCapture_v2", ctypes.c_void_p(stream), ctypes.c_int(THREAD_LOCAL))
        graph = ctypes.c_void_p()
        try:
            work()
        finally:  # a stream that is left capturing could never be used again
            ended = self._code("cuStreamEndCapture", ctypes.c_void_p(stream), ctypes.byref(graph))
        self._check("cuStreamEndCapture", ended)
        executable = ctypes.c_void_p()
        try:
            self._call("cuGraphInstantiateWithFlags", ctypes.byref(executable), graph, ctypes.c_ulonglong(0))
        finally:
            self._call("cuGraphDestroy", graph)
        return int(executable.value or 0)

    def launch(self, executable: int, stream: int) -> None:
        self._call("cuGraphLaunch", ctypes.c_void_p(executable), ctypes.c_void_p(stream))

    def destroy(self, executable: int) -> None:
        self._call("cuGraphExecDestroy", ctypes.c_void_p(executable))

    def _call(self, name: str, *arguments: Any) -> None:
        self._check(name, self._code(name, *arguments))

    def _code(self, name: str, *arguments: Any) -> int:
        try:
            return int(getattr(self._library, name)(*arguments))
        except AttributeError as error:
            raise CaptureError(f"libcuda has no {name}: graphs need CUDA 11.4 or newer") from error

    def _check(self, name: str, code: int) -> None:
        if code:
            said = ctypes.c_char_p()
            self._library.cuGetErrorString(ctypes.c_int(code), ctypes.byref(said))
            raise CaptureError(f"{name}: error {code} ({(said.value or b'unknown').decode()})")


class Replay:
    """A sequence of asynchronous work on one stream: a graph where it can be captured, the calls themselves otherwise."""

    def __init__(self, driver: Driver | None, stream: Any, work: Callable[[], None], name: str, timeline: Timeline) -> None:
        self._driver, self._stream, self._work, self._name, self._timeline = driver, stream, work, name, timeline
        self._graph = 0

    @property
    def captured(self) -> bool:
        return self._graph != 0

    def warm_up(self) -> None:
        """Run twice, since TensorRT allocates and chooses on the first run, and then capture. A refusal is said and survived."""
        for _ in range(2):
            self._work()
            self._stream.synchronize()
        if self._driver is None:
            return
        try:
            self._graph = self._driver.capture(int(self._stream.handle), self._work)
        except Exception as error:  # CaptureError, or TensorRT's enqueue that cannot be captured: the calls work as well
            log.warning("%s runs without a CUDA graph: %s", self._name, error)
            self._stream.synchronize()

    def __call__(self) -> None:
        with self._timeline.around(self._name, self._stream):
            if self._graph and self._driver:
                self._driver.launch(self._graph, int(self._stream.handle))
            else:
                self._work()

    def close(self) -> None:
        if self._graph and self._driver:
            self._driver.destroy(self._graph)
        self._graph = 0
