"""TensorRT on the host: an engine is a list of what it was built from, and runs in onnxruntime on memory at addresses."""

from __future__ import annotations

import ctypes
import json
from enum import IntEnum
from math import prod
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort


class ILogger:
    Severity = SimpleNamespace(INTERNAL_ERROR=0, ERROR=1, WARNING=2)


class Trt:
    """One version of it; `without`: attributes that this version does not have."""

    ILogger = ILogger
    MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
    DeviceType = SimpleNamespace(DLA="dla")
    TensorIOMode = SimpleNamespace(INPUT="in")
    DataType = SimpleNamespace(FLOAT="f4")

    class IProgressMonitor:
        pass

    def __init__(self, version: str = "10.3.0", dla_cores: int = 0, breaks: str = "") -> None:
        self.__version__, self._dla_cores, self.breaks = version, dla_cores, breaks
        major = int(version.split(".")[0])
        typings = {8: ["EXPLICIT_BATCH"], 10: ["EXPLICIT_BATCH", "STRONGLY_TYPED"], 11: ["STRONGLY_TYPED"]}[major]
        flags = ["TF32", "GPU_FALLBACK", *([] if major > 10 else ["FP16", "INT8"])]
        self.NetworkDefinitionCreationFlag = IntEnum("NetworkDefinitionCreationFlag", typings, start=0)  # type: ignore[misc]
        self.BuilderFlag = SimpleNamespace(**{flag: flag for flag in flags})

    def Builder(self, logger: Any) -> Any:  # noqa: N802 (TensorRT's own names)
        return Builder(self, logger)

    def OnnxParser(self, network: Any, logger: Any) -> Any:  # noqa: N802
        return Parser(self, network)

    def Runtime(self, logger: Any) -> Any:  # noqa: N802
        return SimpleNamespace(deserialize_cuda_engine=lambda plan: self._engine(plan, logger))

    def _engine(self, plan: bytes, logger: Any) -> Any:
        if self.breaks == "load":
            logger.log(ILogger.Severity.ERROR, "Serialization assertion stdVersionRead == kSERIALIZATION_VERSION failed.")
            return None
        return Engine(self, json.loads(plan))


class Builder:
    def __init__(self, trt: Trt, logger: Any) -> None:
        self._trt, self._logger, self.num_DLA_cores = trt, logger, trt._dla_cores

    def create_network(self, flags: int) -> Any:
        name = SimpleNamespace(name="image")
        return SimpleNamespace(flags=flags, path="", get_input=lambda i: name)

    def create_builder_config(self) -> Any:
        return Config()

    def create_optimization_profile(self) -> Any:
        profile = SimpleNamespace(shape=())
        profile.set_shape = lambda name, least, best, most: setattr(profile, "shape", best)
        return profile

    def build_serialized_network(self, network: Any, config: Any) -> bytes | None:
        if self._trt.breaks == "build":
            self._logger.log(ILogger.Severity.ERROR, "Could not find any implementation for node /head/conv")
            return None
        if config.progress_monitor:
            config.progress_monitor.phase_start("Tactics", None, 2)
            assert config.progress_monitor.step_complete("Tactics", 0)
            config.progress_monitor.phase_finish("Tactics")
        plan = {"path": network.path, "shapes": config.shapes, "flags": sorted(config.flags), "network": network.flags, "dla": config.dla}
        return json.dumps(plan).encode()


class Config:
    progress_monitor: Any = None

    def __init__(self) -> None:
        self.flags, self.shapes, self.dla, self.DLA_core = {"TF32"}, [], False, -1
        self.timings = b""

    @property
    def default_device_type(self) -> str:
        return "dla" if self.dla else "gpu"

    @default_device_type.setter
    def default_device_type(self, value: str) -> None:
        self.dla = value == "dla"

    def set_memory_pool_limit(self, pool: str, nbytes: int) -> None:
        assert nbytes > 0

    def set_flag(self, flag: str) -> None:
        self.flags.add(flag)

    def clear_flag(self, flag: str) -> None:
        self.flags.discard(flag)

    def add_optimization_profile(self, profile: Any) -> int:
        self.shapes.append(profile.shape)
        return len(self.shapes) - 1

    def create_timing_cache(self, data: bytes) -> Any:
        return SimpleNamespace(serialize=lambda: data + b"+")

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        self._cache = cache
        return True

    def get_timing_cache(self) -> Any:
        return self._cache


class Parser:
    def __init__(self, trt: Trt, network: Any) -> None:
        self._trt, self._network, self.num_errors = trt, network, 0

    def parse_from_file(self, path: str) -> bool:
        self._network.path = path
        self.num_errors = int(self._trt.breaks == "parse")
        return not self.num_errors

    def get_error(self, i: int) -> Any:
        return SimpleNamespace(desc=lambda: "No importer registered for op: Einsum")


class Engine:
    def __init__(self, trt: Trt, plan: dict[str, Any]) -> None:
        self._trt, self._shapes = trt, [tuple(shape) for shape in plan["shapes"]]
        self._session = ort.InferenceSession(plan["path"], providers=["CPUExecutionProvider"])
        self._names = [item.name for item in (*self._session.get_inputs(), *self._session.get_outputs())]
        self.num_io_tensors, self.num_optimization_profiles = len(self._names), len(self._shapes)

    def get_tensor_name(self, i: int) -> str:
        return self._names[i]

    def get_tensor_mode(self, name: str) -> str:
        return "in" if name == self._names[0] else "out"

    def get_tensor_dtype(self, name: str) -> str:
        return "f2" if self._trt.breaks == "half" and name != self._names[0] else "f4"

    def get_tensor_profile_shape(self, name: str, i: int) -> list[tuple[int, ...]]:
        return [self._shapes[i]] * 3

    def create_execution_context(self) -> Any:
        return ExecutionContext(self._trt, self._session)


class ExecutionContext:
    def __init__(self, trt: Trt, session: Any) -> None:
        self._trt, self._session = trt, session
        self._addresses: dict[str, int] = {}

    def set_optimization_profile_async(self, i: int, stream: int) -> bool:
        return True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._shape = shape
        zeros = {name: np.zeros(shape, np.float32)}
        names = [item.name for item in self._session.get_outputs()]
        self._forms = {name: out.shape for name, out in zip(names, self._session.run(names, zeros), strict=True)}
        return True

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._forms[name]

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        if self._trt.breaks == "run":
            return False
        name = self._session.get_inputs()[0].name
        outputs = self._session.run(list(self._forms), {name: at(self._addresses[name], self._shape)})
        for (output, form), values in zip(self._forms.items(), outputs, strict=True):
            at(self._addresses[output], form)[...] = values
        return True


def at(address: int, shape: tuple[int, ...]) -> np.ndarray:
    """The float32 array that lies at an address."""
    return np.ctypeslib.as_array((ctypes.c_float * prod(shape)).from_address(address)).reshape(shape)
