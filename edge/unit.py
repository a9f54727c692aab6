"""The unit: everything that the config asks for, wired together, run until it is stopped or its recordings end."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from alpr import contract
from alpr.syntax import Grammar
from alpr.types import PlateEvent
from edge import status
from edge.cameras import Camera, CameraSpec, open_camera
from edge.config import Config
from edge.detector import Detector
from edge.engines.onnx import OnnxEngine
from edge.enhancer import Enhancer
from edge.events import EventError, Identity
from edge.gate import Gate, GateRules
from edge.judge import Judge, JudgeRules
from edge.loop import Loop
from edge.mqtt import Publisher
from edge.outbox import Outbox, OutboxError, OutboxLimits, Row
from edge.pipeline import Pipeline, Stage, Timing
from edge.reader import Reader
from edge.slots import Slots
from edge.tracker import TrackerRules

log = logging.getLogger(__name__)
REGIONS = Path(contract.__file__).parent / "regions"
LOOK_S = 0.2
"""How often the main thread looks whether all is well."""


def loop_from(config: Config) -> Loop:
    """The stages with their models. Raises ContractError or EngineError for a model that cannot be trusted or loaded."""
    detector = contract.load(config.detector.model)
    enhancer = contract.load(config.enhancer.model)
    reader = contract.load(config.reader.model)
    events, gate, tracking = config.events, config.gate, config.tracking
    gate_rules = GateRules(
        min_line_px=gate.min_line_px,
        enhance=gate.enhance,
        enhance_below_px=gate.enhance_below_px,
        enhance_below_sharpness=gate.enhance_below_sharpness,
        give_up_reads=gate.give_up_reads,
    )
    judge_rules = JudgeRules(early_score=events.early_score, early_reads=events.early_reads, final_score=events.final_score)
    return Loop(
        detector=Detector(OnnxEngine(detector, config.detector.threads), config.detector.threshold, config.detector.longest_px),
        enhancer=Enhancer(OnnxEngine(enhancer, config.enhancer.threads)),
        reader=Reader(OnnxEngine(reader, config.reader.threads)),
        gate=Gate(gate_rules),
        judge=Judge(Grammar.load(REGIONS, config.regions or None), judge_rules, config.mqtt.crop_qos is not None),
        tracker_rules=TrackerRules(lost_s=tracking.lost_s, high=tracking.high, low=tracking.low, match_iou=tracking.match_iou),
    )


class Unit:
    """Cameras, loop, outbox and publisher of one config. `start`, then `run`; `close` in any case."""

    def __init__(self, config: Config, rng: np.random.Generator, stop: threading.Event) -> None:
        """Raises ContractError, EngineError, CameraError, OutboxError, RegionError or MqttConfigError, each with what to mend."""
        self.config, self.stop = config, stop
        self.loop = loop_from(config)
        self.identity = Identity(config.device.id, config.device.site, models(config))
        self.cameras: dict[str, Camera] = {spec.id: self._opened(spec, rng) for spec in config.cameras}
        self.slots = Slots(list(self.cameras))
        self.capture = Timing()
        self.lost: Counter[str] = Counter()  # events that could not be accepted, by cause
        self.outbox = Outbox(config.outbox.path, self.identity, OutboxLimits(size_mb=config.outbox.size_mb))
        self.publisher = Publisher(config.mqtt, self.outbox, self.identity, lambda: status.describe(self), rng)
        self.publisher.on_acknowledged(self._published)
        self.started_ns = time.monotonic_ns()
        self.accepted: Callable[[str, PlateEvent], None] = lambda event_id, event: None  # called on the accepting thread
        self.published: Callable[[Row], None] = lambda row: None  # called on the publisher's thread
        sources = [(f"camera {name}", self._source(camera, name)) for name, camera in self.cameras.items()]
        stages = (*self.loop.stages(), Stage("accept", self._accept))
        self.pipeline = Pipeline(sources, lambda: self.slots.take(stop), stages, stop)

    def start(self) -> None:
        self.publisher.start()
        self.pipeline.start()
        log.info("started: %s", ", ".join(f"{spec.id} ({spec!r})" for spec in self.config.cameras))

    def run(self) -> None:
        """Until stopped, or until all recordings have ended. Raises StageError, OutboxError or RuntimeError for a thread that failed."""
        while not self.stop.is_set() and not self.pipeline.wait(LOOK_S):
            self.outbox.check()
            self.publisher.check()
        self.pipeline.check()
        if not self.stop.is_set():
            self.publisher.drain(self.config.stop_s)  # the recordings ended: their last events leave before the unit does

    def close(self) -> None:
        """Stop cameras and stages, judge what they held, take leave of the broker. Idempotent; within the config's stop_s."""
        for camera in self.cameras.values():
            camera.close()
        stuck = self.pipeline.close(self.config.stop_s / 2)
        if stuck:
            log.error("did not stop in time and is left behind: %s", ", ".join(stuck))
        else:
            for sighting in self.loop.last_sightings():
                for event in self.loop.vote(sighting):
                    self._accept(event)
        self.publisher.close()
        self.outbox.close(self.config.stop_s / 4)

    def _opened(self, spec: CameraSpec, rng: np.random.Generator) -> Camera:
        return open_camera(spec, np.random.default_rng(rng.integers(2**32)))

    def _source(self, camera: Camera, name: str) -> Callable[[], None]:
        """A camera's thread: leave every frame in its slot, and say when there are no more."""

        def run() -> None:
            asked_ns = time.monotonic_ns()
            for frame in camera.frames(self.stop):
                if not camera.live:
                    self.capture.add(time.monotonic_ns() - asked_ns)
                self.slots.put(frame, camera.live, self.stop)
                asked_ns = time.monotonic_ns()
            self.slots.end(name)

        return run

    def _accept(self, event: PlateEvent) -> Iterable[PlateEvent]:
        """Commit an event. One that cannot be is counted and said, and takes nothing else with it."""
        try:
            event_id = self.outbox.accept(event)
        except (OutboxError, EventError) as error:
            self.lost[type(error).__name__] += 1
            log.error("an event was not accepted: %s", error)
            return ()
        self.accepted(event_id, event)
        if event.crop is not None:
            self.publisher.offer_crop(event.camera, event_id, event.crop)
        return (event,)

    def _published(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.published(row)


def models(config: Config) -> dict[str, str]:
    """Stage → "name version", as every event and the status tell."""
    stages = {"detector": config.detector.model, "enhancer": config.enhancer.model, "reader": config.reader.model}
    found = {stage: contract.load(path, verify=False) for stage, path in stages.items()}
    return {stage: f"{each.name} {each.version}" for stage, each in found.items()}
