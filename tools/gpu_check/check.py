"""The checks of one machine and one config; each reports by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from alpr.contract import Contract
from edge.config import Config
from edge.detector import Detector
from edge.engines.onnx import OnnxEngine
from edge.engines.tensorrt.engine import TensorRtEngine
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.session import Session
from edge.engines.tensorrt.stages import DeviceLoop, DeviceStages, Engines
from edge.enhancer import Enhancer
from edge.loop import Loop
from edge.reader import Reader
from edge.still import Stills
from edge.unit import loop_from
from tools.bench import accuracy
from tools.build_engines.build import Yard
from tools.gpu_check import clip, kernels, models, speed
from tools.gpu_check.report import Report

CLIP = Path(__file__).parents[2] / "samples/street.mp4"
MOST_POINTS_LOST = 0.5
MOST_LEVELS = {"plates, resized": 2.01}
"""Two roundings follow each other there, and each may fall the other way; one gray level everywhere else."""


@dataclass(frozen=True, slots=True)
class Check:
    """What is checked, and where it is told."""

    trt: Any
    gpu: Gpu
    config: Config
    contracts: tuple[Contract, Contract, Contract]
    report: Report

    def kernels(self) -> None:
        for name, apart in kernels.differences(self.gpu, np.random.default_rng(0)):
            self.report.check(f"kernel {name}", apart <= MOST_LEVELS.get(name, 1.01), apart=apart)

    def models(self, precision: str, frames: list[np.ndarray]) -> None:
        """Each model's engine of a precision, built where it is not there, against onnxruntime."""
        detector, _, reader = self.contracts
        inputs = models.Inputs.of(frames, detector, reader, self.config.detector.threshold)
        for each, rows in zip(self.contracts, (inputs.detector, inputs.enhancer, inputs.reader), strict=True):
            apart, agree = self._compared(each, precision, rows)
            good = agree >= models.AGREEING_LEAST and (precision != "fp32" or apart <= models.FP32_MOST)
            self.report.check(f"{each.name} {precision}", good, apart=round(apart, 5), agree=round(agree, 4), inputs=len(rows))

    def events(self, precision: str, most: int | None) -> None:
        """The clip's final events, as the processor gives them."""
        path = CLIP
        with self.loops(precision) as loop:
            found = clip.finals(loop(), clip.frames(path, most))
        wanted = clip.finals(self.reference(), clip.frames(path, most))
        self.report.check(
            f"events {precision}", found == wanted, plates=sum(wanted.values()), other=dict((found - wanted) + (wanted - found))
        )

    def set(self, precision: str, folder: Path) -> None:
        """Plates of a labelled set read right, within half a point of the processor's."""
        with self.loops(precision) as loop:
            found = accuracy.report(accuracy.measure(stills(loop()), folder))
        wanted = accuracy.report(accuracy.measure(stills(self.reference()), folder))
        lost = 100 * (wanted["plates"]["exact"] - found["plates"]["exact"])
        self.report.check(f"{folder.name} {precision}", lost <= MOST_POINTS_LOST, points_lost=round(lost, 2), plates=wanted["plates"]["n"])

    def speeds(self, precision: str, cameras: int, most: int) -> None:
        """Sync and async, with graphs and without, side by side."""
        frames = list(clip.frames(CLIP, most))
        for graphs in (True, False):
            with self.loops(precision, graphs) as loop:
                for count in (1, cameras):
                    mode = {"precision": precision, "mode": "sync" if count == 1 else "async", "graphs": graphs, "cameras": count}
                    self.report.speed(**mode, **speed.measure(self.gpu, loop, frames, count))

    def reference(self) -> Loop:
        """The same on the processor, in fp32."""
        plain, config = loop_from(replace(self.config, engine="onnx")), self.config.detector
        detector, enhancer, reader = (OnnxEngine(each, precision="fp32") for each in self.contracts)
        finds = Detector(detector, config.threshold, config.longest_px)
        return replace(plain, detector=finds, enhancer=Enhancer(enhancer), reader=Reader(reader))

    @contextmanager
    def loops(self, precision: str, graphs: bool = True) -> Iterator[Callable[[], Loop]]:
        """Loops of the same stages, each with a gate and a judge that have seen nothing."""
        rt, driver = self.config.tensorrt, self.gpu.driver
        engines = Engines(rt.engines, precision, rt.canvases_px, rt.dla, graphs)
        finds = self.config.detector
        self.gpu.driver = driver if graphs else None
        try:
            stages = DeviceStages.open(*self.contracts, engines, finds.threshold, finds.longest_px, self.gpu, self.trt)
        finally:
            self.gpu.driver = driver
        with closing(stages):
            yield lambda: on_device(self.reference(), stages)

    def _compared(self, each: Contract, precision: str, rows: np.ndarray) -> tuple[float, float]:
        plan = Yard(self.trt, self.gpu, self.config, print, lambda phase, share: None).engine(each, precision)
        with self.gpu.current(f"loading {each.name}"):
            session = Session(self.gpu, self.trt, each, plan)
        try:
            return models.compared(each, TensorRtEngine(self.gpu, session), rows)
        finally:
            session.close()


def stills(loop: Loop) -> Stills:
    return Stills.of(loop)


def on_device(loop: Loop, stages: DeviceStages) -> Loop:
    return DeviceLoop(stages.detector, stages.enhancer, stages.reader, loop.gate, loop.judge, loop.tracker_rules, corners=loop.corners)
