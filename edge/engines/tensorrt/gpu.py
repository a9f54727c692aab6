"""The unit's GPU: its context, its memory and its kernels, for whoever works on it."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alpr.types import U8
from edge.cuda.build import FOLDER, fatbin
from edge.engines import EngineError
from edge.engines.tensorrt.capture import Driver
from edge.engines.tensorrt.timeline import Timeline

KERNELS = {"letterbox": "PPii", "plates": "PPii", "pictures": "PPii", "candidates": "PPPifiPP"}
"""The arguments of each kernel, as pycuda's `prepare` writes them: pointers, ints, a float."""
BLOCK = (32, 8, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Pinned:
    """Memory that host and device both know: one and the same on a Tegra, a copy on either side elsewhere."""

    host: U8  # (nbytes,), page-locked
    address: int  # of the device's side
    mapped: bool
    cuda: Any

    def upload(self, stream: Any, nbytes: int | None = None) -> None:
        if not self.mapped:
            self.cuda.memcpy_htod_async(self.address, self.host[:nbytes], stream)

    def download(self, stream: Any, nbytes: int | None = None) -> None:
        if not self.mapped:
            self.cuda.memcpy_dtoh_async(self.host[:nbytes], self.address, stream)


class Gpu:
    """The primary context, which TensorRT and this process's other libraries share. Everything given out is closed with it."""

    def __init__(self, cuda: Any, context: Any, kernels: Path, driver: Driver | None = None) -> None:
        """`cuda`: pycuda.driver; `driver`: libcuda for graphs, None for plain enqueueing. The context is current. Raises EngineError."""
        self.cuda, self._context, self.driver = cuda, context, driver
        self.timeline = Timeline(cuda)
        self._closers: list[Callable[[], None]] = []
        device = context.get_device()
        major, minor = device.compute_capability()
        self.arch = f"sm_{major}{minor}"
        self.name = f"{device.name()} ({self.arch})"
        self.integrated = bool(device.get_attribute(cuda.device_attribute.INTEGRATED))
        if not kernels.is_file():
            raise EngineError(f"{kernels}: not there, or made of other sources: python -m edge.cuda.build")
        with self.named(f"the kernels of {kernels.name}"):
            module = cuda.module_from_file(str(kernels))
            self._kernels = {name: module.get_function(name).prepare(arguments) for name, arguments in KERNELS.items()}

    @staticmethod
    def open(kernels: Path | None = None, graphs: bool = True) -> Gpu:
        """This machine's GPU. Raises EngineError where there is none that can be used."""
        try:
            import pycuda.autoprimaryctx
            import pycuda.driver
        except Exception as error:  # ImportError without pycuda; pycuda's own error, which cannot be named before, without a GPU
            raise EngineError(
                f"no GPU can be used ({type(error).__name__}: {error}): install pycuda and a driver, or set engine: onnx"
            ) from error
        gpu = Gpu(pycuda.driver, pycuda.autoprimaryctx.context, kernels or fatbin(FOLDER), Driver.load() if graphs else None)
        atexit.register(gpu.close)  # runs before pycuda's own, which takes the context from under what TensorRT still holds
        return gpu

    @contextmanager
    def current(self, what: str) -> Iterator[None]:
        """Work on the GPU from any thread; `what` names it in errors."""
        self._context.push()
        try:
            with self.named(what):
                yield
        finally:
            self.cuda.Context.pop()

    @contextmanager
    def named(self, what: str) -> Iterator[None]:
        """CUDA's errors become an EngineError that says what was being done, and how much memory there was."""
        try:
            yield
        except self.cuda.MemoryError as error:
            free, total = (size >> 20 for size in self.cuda.mem_get_info())
            raise EngineError(
                f"{what}: out of GPU memory, {free} of {total} MB are free ({error}): give the unit fewer cameras or smaller frames, "
                "or stop what else uses the GPU"
            ) from error
        except self.cuda.Error as error:
            raise EngineError(f"{what}: {error}") from error

    def limits(self) -> dict[str, int]:
        """Multiprocessors, clocks and memory width as the driver tells them; 0 for what it does not know, as of a Tegra's memory."""
        device, which = self._context.get_device(), self.cuda.device_attribute
        wanted = {
            "multiprocessors": which.MULTIPROCESSOR_COUNT,
            "clock_khz": which.CLOCK_RATE,
            "memory_clock_khz": which.MEMORY_CLOCK_RATE,
            "memory_bits": which.GLOBAL_MEMORY_BUS_WIDTH,
        }
        return {name: int(device.get_attribute(attribute)) for name, attribute in wanted.items()}

    def stream(self) -> Any:
        return self.cuda.Stream()

    def device_memory(self, nbytes: int) -> int:
        """Bytes on the device, for as long as the GPU is open → their address."""
        allocation = self.cuda.mem_alloc(max(1, nbytes))
        self.on_close(allocation.free)
        return int(allocation)

    def pinned(self, nbytes: int) -> Pinned:
        """Zeroed bytes on either side."""
        nbytes, flags = max(1, nbytes), self.cuda.host_alloc_flags
        host = self.cuda.pagelocked_zeros(nbytes, np.uint8, mem_flags=flags.DEVICEMAP if self.integrated else 0)
        if self.integrated:
            return Pinned(host, int(host.base.get_device_pointer()), True, self.cuda)
        return Pinned(host, self.device_memory(nbytes), False, self.cuda)

    def launch(self, name: str, stream: Any, size: tuple[int, int, int], *arguments: Any) -> None:
        """A kernel over (width, height, count) threads."""
        width, height, count = size
        block = BLOCK if height > 1 else (BLOCK[0] * BLOCK[1], 1, 1)
        grid = (-(-width // block[0]), -(-height // block[1]), count)
        self._kernels[name].prepared_async_call(grid, block, stream, *arguments)

    def on_close(self, closer: Callable[[], None]) -> None:
        """Called when the GPU is closed, the latest first."""
        self._closers.append(closer)

    def close(self) -> None:
        """Give everything back; idempotent."""
        while self._closers:
            self._closers.pop()()
