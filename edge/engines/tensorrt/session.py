"""A loaded engine: a context for every shape, and tensors at addresses that never change."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from alpr.contract import Contract
from alpr.types import F32
from edge.engines import EngineError
from edge.engines.tensorrt.bindings import Log
from edge.engines.tensorrt.capture import Replay
from edge.engines.tensorrt.gpu import Gpu, Pinned
from edge.engines.tensorrt.recipe import Shape

ALIGNMENT = 256
"""Bytes; what CUDA's own allocations start at."""


class Session:
    """One engine on one stream, for one thread. The input lies at `input`; outputs lie one after the other in one block."""

    def __init__(self, gpu: Gpu, trt: Any, contract: Contract, plan: bytes, outputs_to_host: bool = True) -> None:
        """`outputs_to_host`: whether the host wants to see the outputs, or only the next kernel does. Raises EngineError."""
        self.gpu, self.contract, self.stream = gpu, contract, gpu.stream()
        self._log = Log(trt)
        self._runtime = trt.Runtime(self._log.logger)  # it must outlive the engine
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise EngineError(f"{contract.name}: TensorRT {trt.__version__} cannot load the engine: {self._log.why()}")
        self._check_tensors(trt)
        self._profiles = self._found_profiles()
        self._contexts = {shape: self._context(i, shape) for shape, i in self._profiles.items()}
        self._places = self._laid_out()
        end = max(end for places in self._places.values() for _, end, _ in places.values())
        self.input = gpu.device_memory(max(4 * prod(shape) for shape in self._profiles))
        self.results: Pinned | None = gpu.pinned(end) if outputs_to_host else None
        self._outputs = self.results.address if self.results else gpu.device_memory(end)
        self._set_addresses()
        self._replays: list[Replay] = []
        gpu.on_close(self.close)

    @property
    def shapes(self) -> list[Shape]:
        return list(self._profiles)

    def shape_for(self, count: int, size_px: tuple[int, int]) -> Shape:
        """The smallest shape that holds so many pictures of (h, w), or the largest there is. Raises EngineError for other sizes."""
        fitting = sorted(shape for shape in self._profiles if shape[2:] == size_px)
        if not fitting:
            known = ", ".join(sorted({f"{height}x{width}" for _, _, height, width in self._profiles}))
            raise EngineError(
                f"{self.contract.name}: the engine has no canvas of {size_px[0]}x{size_px[1]} (height x width; it has {known}): add "
                f"[{size_px[0]}, {size_px[1]}] to tensorrt.canvases_px in the config, then python -m tools.build_engines"
            )
        return next((shape for shape in fitting if shape[0] >= count), fitting[-1])

    def enqueue(self, shape: Shape) -> None:
        """Run on what lies at `input`; asynchronous. Raises EngineError."""
        if not self._contexts[shape].execute_async_v3(int(self.stream.handle)):
            raise EngineError(f"{self.contract.name}: TensorRT did not run {shape}: {self._log.why()}")

    def replay(self, shape: Shape, work: Callable[[], None]) -> Replay:
        """Work on this session's stream, warmed up and captured; closed with the session."""
        name = f"{self.contract.name} {'x'.join(map(str, shape))}"
        made = Replay(self.gpu.driver, self.stream, work, name, self.gpu.timeline)
        made.warm_up()
        self._replays.append(made)
        return made

    def address(self, shape: Shape, output: str) -> int:
        return self._outputs + int(self._places[shape][output][0])

    def output_shape(self, shape: Shape, output: str) -> tuple[int, ...]:
        return self._places[shape][output][2]

    def nbytes(self, shape: Shape) -> int:
        """How much of the block of outputs a shape fills."""
        return max(end for _, end, _ in self._places[shape].values())

    def read(self, shape: Shape) -> dict[str, F32]:
        """The outputs as the host sees them after they were copied: views, good until the next run."""
        if self.results is None:
            raise EngineError(f"{self.contract.name}: its outputs stay on the device")
        host = self.results.host
        return {name: host[start:end].view(np.float32).reshape(form) for name, (start, end, form) in self._places[shape].items()}

    def close(self) -> None:
        """Contexts before the engine, the engine before its runtime; idempotent."""
        for replay in self._replays:
            replay.close()
        self._replays.clear()
        self._contexts.clear()
        self._engine = self._runtime = None

    def _check_tensors(self, trt: Any) -> None:
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        inputs = [name for name in names if self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
        expected = {self.contract.input.name, *self.contract.outputs}
        if set(names) != expected or inputs != [self.contract.input.name]:
            raise EngineError(f"{self.contract.name}: the engine has tensors {names}, its contract says {sorted(expected)}: build it again")
        other = [name for name in names if self._engine.get_tensor_dtype(name) != trt.DataType.FLOAT]
        if other:
            raise EngineError(f"{self.contract.name}: {', '.join(other)} is not float32: graphs keep float32 at both ends in any precision")

    def _found_profiles(self) -> dict[Shape, int]:
        name = self.contract.input.name
        found = [tuple(self._engine.get_tensor_profile_shape(name, i)[2]) for i in range(self._engine.num_optimization_profiles)]
        return {shape: i for i, shape in enumerate(found)}

    def _context(self, profile: int, shape: Shape) -> Any:
        context = self._engine.create_execution_context()
        if context is None:
            raise EngineError(f"{self.contract.name}: no room on the GPU for a context of {shape}: {self._log.why()}")
        handle = int(self.stream.handle)
        if not (context.set_optimization_profile_async(profile, handle) and context.set_input_shape(self.contract.input.name, shape)):
            raise EngineError(f"{self.contract.name}: TensorRT refuses {shape}: {self._log.why()}")
        self.stream.synchronize()
        return context

    def _laid_out(self) -> dict[Shape, dict[str, tuple[int, int, tuple[int, ...]]]]:
        """Shape → output → where its bytes start and end in the block, and its form."""
        places: dict[Shape, dict[str, tuple[int, int, tuple[int, ...]]]] = {}
        for shape, context in self._contexts.items():
            at, places[shape] = 0, {}
            for name in self.contract.outputs:
                form = tuple(context.get_tensor_shape(name))
                if min(form) < 0:
                    raise EngineError(f"{self.contract.name}: {name} has no fixed form for {shape}: {form}")
                places[shape][name] = at, at + 4 * prod(form), form
                at = -(-(at + 4 * prod(form)) // ALIGNMENT) * ALIGNMENT
        return places

    def _set_addresses(self) -> None:
        for shape, context in self._contexts.items():
            addresses = {self.contract.input.name: self.input, **{name: self.address(shape, name) for name in self.contract.outputs}}
            if not all(context.set_tensor_address(name, address) for name, address in addresses.items()):
                raise EngineError(f"{self.contract.name}: TensorRT refuses the tensors' addresses: {self._log.why()}")
