"""The stages of a unit on its GPU, out of engines that were built for it; ready when they are returned."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpr.contract import Contract
from alpr.types import Frame
from edge.engines.tensorrt import bindings
from edge.engines.tensorrt.cache import Cache
from edge.engines.tensorrt.detector import DeviceDetector
from edge.engines.tensorrt.enhancer import DeviceEnhancer
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.reader import DeviceReader
from edge.engines.tensorrt.recipe import CANVASES_PX, recipe
from edge.engines.tensorrt.session import Session
from edge.loop import Loop, Sighting

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engines:
    """Which of the built engines a unit runs."""

    folder: Path
    precision: str = "auto"  # what tools.build_engines chose, or fp32, fp16, int8
    canvases_px: Sequence[tuple[int, int]] = CANVASES_PX
    dla: bool = False
    graphs: bool = True

    def load(self, trt: Any, gpu: Gpu, contract: Contract, outputs_to_host: bool = True) -> Session:
        """Raises EngineError where there is no engine for this model on this machine, with what there is instead."""
        cache = Cache(self.folder)
        precision = cache.chosen(contract) if self.precision == "auto" else self.precision
        plan = cache.load(recipe(trt, gpu.name, contract, precision, self.canvases_px, self.dla))
        log.info("%s: TensorRT %s, %s, %.1f MB", contract.name, trt.__version__, precision, len(plan) / 1e6)
        with gpu.current(f"loading {contract.name}"):
            return Session(gpu, trt, contract, plan, outputs_to_host)


@dataclass(frozen=True, slots=True)
class DeviceStages:
    """Three stages, each with its own engine, contexts, stream and buffers, warmed up and captured."""

    detector: DeviceDetector
    enhancer: DeviceEnhancer
    reader: DeviceReader

    @staticmethod
    def open(
        detector: Contract,
        enhancer: Contract,
        reader: Contract,
        engines: Engines,
        threshold: float,
        longest_px: int | None = None,
        gpu: Gpu | None = None,
        trt: Any = None,
    ) -> DeviceStages:
        """Raises EngineError, with what to do about it."""
        trt = trt or bindings.tensorrt()
        gpu = gpu or Gpu.open(graphs=engines.graphs)
        sessions = [engines.load(trt, gpu, contract, contract.kind == "ocr") for contract in (detector, enhancer, reader)]
        with gpu.current("warming up"):
            finds = DeviceDetector(gpu, sessions[0], threshold, longest_px)
            enhances = DeviceEnhancer(gpu, sessions[1], finds.frames)
            return DeviceStages(finds, enhances, DeviceReader(gpu, sessions[2], finds.frames, enhances.drawn))

    def close(self) -> None:
        """Give contexts and engines back, which hold most of the memory; idempotent. Buffers go with the GPU."""
        for stage in (self.detector, self.enhancer, self.reader):
            stage.close()


class DeviceLoop(Loop):
    """The loop with frames on the device: each is brought there once, before anything looks at it."""

    @property
    def gpu(self) -> Gpu | None:
        """What the detector runs on: one GPU, one timeline for all stages."""
        return self.detector.gpu if isinstance(self.detector, DeviceDetector) else None

    def see_together(self, frames: Sequence[Frame]) -> Iterable[Sighting]:
        if isinstance(self.detector, DeviceDetector):
            self.detector.hold(frames)
        return super().see_together(frames)
