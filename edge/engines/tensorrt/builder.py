"""ONNX → engine, on the GPU that will run it: one way through TensorRT 8.5 to 11."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.engines import EngineError
from edge.engines.tensorrt.bindings import Log, network_flags, version
from edge.engines.tensorrt.cache import write_whole
from edge.engines.tensorrt.recipe import Recipe

WORKSPACE_MB = 512
Report = Callable[[str, float], None]
"""Called with a phase and how far it is, 0..1."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where engines are built: TensorRT, the folder of graphs, and that of timings."""

    trt: Any
    graphs: Path
    timings: Path
    workspace_mb: int = WORKSPACE_MB

    def build(self, recipe: Recipe, report: Report = lambda phase, share: None) -> bytes:
        """The serialized engine; takes minutes. Raises EngineError with TensorRT's own reason."""
        log = Log(self.trt)
        builder = self.trt.Builder(log.logger)
        network = builder.create_network(network_flags(self.trt))
        self._parse(recipe, network, log)
        config = builder.create_builder_config()
        config.set_memory_pool_limit(self.trt.MemoryPoolType.WORKSPACE, self.workspace_mb << 20)
        self._precision(recipe, config)
        self._placement(recipe, builder, config)
        self._profiles(recipe, builder, network, config)
        monitor = _watch(self.trt, config, report)
        timings, cache = self._timings(recipe, config)
        plan = builder.build_serialized_network(network, config)
        del monitor, cache  # TensorRT refers to both without owning them: they live until here
        if plan is None:
            raise EngineError(f"{recipe.graph}: TensorRT {recipe.tensorrt} builds no {recipe.precision} engine: {log.why()}")
        write_whole(timings, bytes(config.get_timing_cache().serialize()))
        return bytes(plan)

    def _parse(self, recipe: Recipe, network: Any, log: Log) -> None:
        parser = self.trt.OnnxParser(network, log.logger)
        if not parser.parse_from_file(str(self.graphs / recipe.graph)):
            said = "; ".join(str(parser.get_error(i).desc()) for i in range(parser.num_errors))
            raise EngineError(f"{recipe.graph}: TensorRT {recipe.tensorrt} cannot parse it: {said or log.why()}")

    def _precision(self, recipe: Recipe, config: Any) -> None:
        flag = self.trt.BuilderFlag
        if recipe.precision == "fp32":
            config.clear_flag(flag.TF32)  # the reference: what the others are compared with
        if recipe.typing == "strong":
            return  # the graph says it
        if recipe.precision in ("fp16", "int8"):
            config.set_flag(flag.FP16)
        if recipe.precision == "int8":
            config.set_flag(flag.INT8)

    def _placement(self, recipe: Recipe, builder: Any, config: Any) -> None:
        if not recipe.dla:
            return
        if builder.num_DLA_cores == 0:
            raise EngineError(f"{recipe.model}: this device has no DLA: build without --dla")
        if recipe.precision == "fp32":
            raise EngineError(f"{recipe.model}: a DLA computes in fp16 or int8 only: build with --precision fp16 or int8")
        config.default_device_type = self.trt.DeviceType.DLA
        config.DLA_core = 0
        config.set_flag(self.trt.BuilderFlag.GPU_FALLBACK)

    def _profiles(self, recipe: Recipe, builder: Any, network: Any, config: Any) -> None:
        name = network.get_input(0).name
        for shape in recipe.shapes:
            profile = builder.create_optimization_profile()
            profile.set_shape(name, shape, shape, shape)
            if config.add_optimization_profile(profile) < 0:
                raise EngineError(f"{recipe.graph}: TensorRT refuses the shape {shape} for {name}")

    def _timings(self, recipe: Recipe, config: Any) -> tuple[Path, Any]:
        """Give the builder the timings of earlier builds → where the new ones belong, and them. They hold for one version and one GPU."""
        gpu = "".join(char if char.isalnum() else "-" for char in recipe.gpu)
        path = self.timings / f"timing-{recipe.tensorrt}-{gpu}.cache"
        cache = config.create_timing_cache(path.read_bytes() if path.is_file() else b"")
        config.set_timing_cache(cache, ignore_mismatch=False)
        return path, cache


def _watch(trt: Any, config: Any, report: Report) -> Any:
    """Have a build report its progress, where this TensorRT can (from 10 on)."""
    if version(trt) < (10, 0):
        return None
    steps: dict[str, int] = {}

    def start(monitor: Any) -> None:
        trt.IProgressMonitor.__init__(monitor)

    def phase_start(monitor: Any, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        steps[phase_name] = max(1, num_steps)

    def step_complete(monitor: Any, phase_name: str, step: int) -> bool:
        report(phase_name, min(1.0, (step + 1) / steps.get(phase_name, 1)))
        return True  # go on

    def phase_finish(monitor: Any, phase_name: str) -> None:
        report(phase_name, 1.0)

    methods = {"__init__": start, "phase_start": phase_start, "step_complete": step_complete, "phase_finish": phase_finish}
    config.progress_monitor = type("KerbsideProgress", (trt.IProgressMonitor,), methods)()
    return config.progress_monitor
