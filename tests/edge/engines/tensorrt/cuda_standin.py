"""pycuda's driver on the host: the device's memory is the host's, kernels are edge/cuda's own source, streams run at once."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from edge.engines.tensorrt.capture import CaptureError
from edge.engines.tensorrt.gpu import Gpu


class Memory:
    """An allocation; `int()` of it is its address, as pycuda has it."""

    def __init__(self, nbytes: int) -> None:
        self._bytes: Any = (ctypes.c_ubyte * nbytes)()

    def __int__(self) -> int:
        return ctypes.addressof(self._bytes)

    def free(self) -> None:
        assert self._bytes is not None, "freed twice"
        self._bytes = None


class Stream:
    handle = 7

    def synchronize(self) -> None:
        pass


class Event:
    def record(self, stream: Stream) -> None:
        self._at = time.perf_counter()

    def synchronize(self) -> None:
        pass

    def time_since(self, other: Event) -> float:
        return 1000 * (self._at - other._at)


class Kernel:
    def __init__(self, function: Any, name: str) -> None:
        self._function, self._name = function, name

    def prepare(self, arguments: str) -> Kernel:
        self._arguments = arguments
        return self

    def prepared_async_call(self, grid: tuple[int, int, int], block: tuple[int, int, int], stream: Stream, *given: Any) -> None:
        assert len(given) == len(self._arguments)
        kinds = {"P": ctypes.c_void_p, "i": ctypes.c_int, "f": ctypes.c_float}
        values = [kinds[kind](value) for kind, value in zip(self._arguments, given, strict=True)]
        if self._name == "candidates":
            assert grid[0] * block[0] >= given[3]
        else:
            values.insert(2, ctypes.c_int(grid[2]))
            assert grid[0] * block[0] >= given[3] and grid[1] * block[1] >= given[2]
        self._function(*values)


class Cuda:
    """What edge/engines/tensorrt uses of pycuda.driver. `fails`: called before each allocation, may raise."""

    class Error(RuntimeError):
        pass

    class MemoryError(Error):
        pass

    host_alloc_flags = SimpleNamespace(DEVICEMAP=2)
    device_attribute = SimpleNamespace(
        INTEGRATED="integrated",
        MULTIPROCESSOR_COUNT="multiprocessors",
        CLOCK_RATE="clock_khz",
        MEMORY_CLOCK_RATE="memory_clock_khz",
        GLOBAL_MEMORY_BUS_WIDTH="memory_bits",
    )
    Context = SimpleNamespace(pop=lambda: None, synchronize=lambda: None)
    Stream = Stream
    Event = Event

    def __init__(self, library: Path, fails: Callable[[int], None] = lambda nbytes: None) -> None:
        self._library, self._fails = ctypes.CDLL(str(library)), fails
        self.uploaded = 0

    def module_from_file(self, path: str) -> Any:
        return SimpleNamespace(get_function=lambda name: Kernel(getattr(self._library, f"host_{name}"), name))

    def mem_alloc(self, nbytes: int) -> Memory:
        self._fails(nbytes)
        return Memory(nbytes)

    def mem_get_info(self) -> tuple[int, int]:
        return 3 << 20, 4096 << 20

    def pagelocked_zeros(self, shape: Any, dtype: Any, mem_flags: int = 0) -> np.ndarray:
        if not mem_flags:
            return np.zeros(shape, dtype)
        memory = Mapped(shape)
        return np.frombuffer(memory, np.uint8).view(MappedArray)

    def memcpy_htod_async(self, target: int, source: np.ndarray, stream: Stream) -> None:
        assert source.flags.c_contiguous
        self.uploaded += source.nbytes
        ctypes.memmove(int(target), source.ctypes.data, source.nbytes)

    def memcpy_dtoh_async(self, target: np.ndarray, source: int, stream: Stream) -> None:
        ctypes.memmove(target.ctypes.data, int(source), target.nbytes)

    def memcpy_dtod_async(self, target: int, source: int, nbytes: int, stream: Stream) -> None:
        ctypes.memmove(int(target), int(source), nbytes)

    def memset_d32_async(self, target: int, value: int, count: int, stream: Stream) -> None:
        ctypes.memmove(int(target), np.full(count, value, np.uint32).ctypes.data, 4 * count)


class Mapped(bytearray):
    pass


class MappedArray(np.ndarray):
    """Page-locked and mapped: its base knows where the device sees it."""

    @property
    def base(self) -> Any:  # type: ignore[override]
        address = self.ctypes.data
        return SimpleNamespace(get_device_pointer=lambda: address)


ORIN_NX = {"multiprocessors": 8, "clock_khz": 918_000, "memory_clock_khz": 3_200_000, "memory_bits": 128}
"""What a driver says of an Orin NX."""


class Context:
    def __init__(self, integrated: bool) -> None:
        self._integrated = integrated

    def get_device(self) -> Any:
        return SimpleNamespace(
            name=lambda: "Stand-in",
            compute_capability=lambda: (8, 7),
            get_attribute=lambda which: {"integrated": int(self._integrated), **ORIN_NX}[which],
            total_memory=lambda: 1 << 32,
        )

    def push(self) -> None:
        pass


class Graphs:
    """libcuda's graphs: what was captured is called again. `refuses`: every capture fails, as some layers make it."""

    def __init__(self, refuses: bool = False) -> None:
        self.refuses, self.launches = refuses, 0
        self._captured: list[Callable[[], None] | None] = [None]

    def capture(self, stream: int, work: Callable[[], None]) -> int:
        if self.refuses:
            raise CaptureError("cuStreamEndCapture: error 901 (operation failed due to a previous error during capture)")
        self._captured.append(work)
        return len(self._captured) - 1

    def launch(self, executable: int, stream: int) -> None:
        work = self._captured[executable]
        assert work is not None, "destroyed before"
        self.launches += 1
        work()

    def destroy(self, executable: int) -> None:
        assert self._captured[executable] is not None, "destroyed twice"
        self._captured[executable] = None


def standin_gpu(kernels: Path, integrated: bool = False, graphs: Graphs | None = None, cuda: Cuda | None = None) -> Gpu:
    return Gpu(cuda or Cuda(kernels), Context(integrated), kernels, graphs)  # type: ignore[arg-type]
