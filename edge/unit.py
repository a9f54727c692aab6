"""The unit: everything that the config asks for, wired together, run until it is stopped or its recordings end."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from alpr import contract
from alpr.contract import Contract
from alpr.syntax import Grammar
from alpr.types import Frame, PlateEvent
from edge import status
from edge.adapters import Announcement, Companions
from edge.adapters.home_assistant import Described
from edge.audit import Audit
from edge.cameras import Camera, CameraSpec, open_camera
from edge.config import Config
from edge.corners import Corners, Refine, as_found
from edge.detector import Detector
from edge.engines import Engine
from edge.engines.onnx import OnnxEngine
from edge.engines.triton.engine import TritonEngine
from edge.enhancer import Enhancer
from edge.erasure import Eraser
from edge.events import EventError, Identity
from edge.gate import Gate
from edge.governor import Governor, within
from edge.judge import Judge
from edge.lists import Lists
from edge.loop import Loop
from edge.mqtt import Publisher, Topics
from edge.outbox import Outbox, OutboxError, Row
from edge.outbox.door import Door
from edge.pipeline import Pipeline, Stage, Timing
from edge.privacy import Privacy, masked, polygons_of
from edge.pulse import Pulse
from edge.reader import Reader
from edge.rules import gate_rules, governor_rules, grounds, judge_rules, limits, tracker_rules
from edge.slots import Slots, nothing
from edge.zones import Courses

log = logging.getLogger(__name__)
REGIONS = Path(contract.__file__).parent / "regions"
LOOK_S = 0.2
"""How often the main thread looks whether all is well."""


def loop_from(config: Config) -> Loop:
    """The stages with their models. Raises ContractError or EngineError for a model that cannot be trusted or loaded."""
    detector = contract.load(config.detector.model)
    enhancer = contract.load(config.enhancer.model)
    reader = contract.load(config.reader.model)
    kind, stages = (
        _on_gpu(config, detector, enhancer, reader) if config.engine == "tensorrt" else _on_cpu(config, detector, enhancer, reader)
    )
    grammar = Grammar.load(REGIONS, config.regions or None)
    return kind(
        *stages,
        gate=Gate(gate_rules(config)),
        judge=Judge(grammar, judge_rules(config), config.mqtt.crop_qos is not None, Lists(config.lists, grammar)),
        tracker_rules=tracker_rules(config),
        grounds=grounds(config),
        courses=Courses(config.events.parked_after_s),
        corners=_corners(config),
    )


Stages = tuple[Detector, Enhancer, Reader]


def _on_cpu(config: Config, detector: Contract, enhancer: Contract, reader: Contract) -> tuple[type[Loop], Stages]:
    engines = [
        _engine(config, model, stage.threads, stage.precision)
        for model, stage in ((detector, config.detector), (enhancer, config.enhancer), (reader, config.reader))
    ]
    finds = Detector(engines[0], config.detector.threshold, config.detector.longest_px)
    return Loop, (finds, Enhancer(engines[1]), Reader(engines[2]))


def _corners(config: Config) -> Refine:
    """On the processor with every engine: one small picture a crop, and the frame is there."""
    if config.corners.model is None:
        return as_found
    return Corners(OnnxEngine(contract.load(config.corners.model), config.corners.threads))


def _engine(config: Config, model: Contract, threads: int, precision: str) -> Engine:
    """A model here or on a server, for stages that prepare and decode on the processor."""
    return TritonEngine(model, config.triton) if config.engine == "triton" else OnnxEngine(model, threads, precision)


def _on_gpu(config: Config, detector: Contract, enhancer: Contract, reader: Contract) -> tuple[type[Loop], Stages]:
    from edge.engines.tensorrt.stages import DeviceLoop, DeviceStages, Engines  # needs TensorRT and CUDA only when it is opened

    rt = config.tensorrt
    engines = Engines(rt.engines, rt.precision, rt.canvases_px, rt.dla, rt.graphs)
    stages = DeviceStages.open(detector, enhancer, reader, engines, config.detector.threshold, config.detector.longest_px)
    return DeviceLoop, (stages.detector, stages.enhancer, stages.reader)


class Unit:
    """Cameras, loop, outbox and publisher of one config. `start`, then `run`; `close` in any case."""

    def __init__(self, config: Config, rng: np.random.Generator, stop: threading.Event) -> None:
        """Raises ContractError, EngineError, CameraError, OutboxError, RegionError, ListError or MqttConfigError, each with
        what to mend."""
        self.config, self.stop = config, stop
        self.loop = loop_from(config)
        self.identity = Identity(config.device.id, config.device.site, models(config))
        self.cameras: dict[str, Camera] = {spec.id: self._opened(spec, rng) for spec in config.cameras}
        self.slots = Slots(list(self.cameras))
        self.pulses = {name: Pulse() for name in self.cameras}
        self.capture = Timing()
        self.lost: Counter[str] = Counter()  # events that could not be accepted, by cause
        self.shed: Counter[str] = Counter()  # frames that the governor left out, by camera
        self.privacy = Privacy(config.privacy)
        self.governor = Governor(governor_rules(config))
        self.latest: dict[str, Frame] = {}  # by camera, private ground masked
        self.outbox = Outbox(config.outbox.path, self.identity, limits(config))
        self.audit = Audit(config.audit.path, config.audit.keep_days)
        self.eraser = Eraser(self.outbox, lambda: self.privacy, self.audit)
        self.door = Door(self.outbox, {"erase": self.eraser.answer})
        topics = Topics(config.mqtt.prefix, config.device.id)
        described = Described(self.identity, topics, tuple(self.cameras), bool(config.lists))
        companions, announce = Companions(config.adapters, topics), Announcement(config.home_assistant, described)
        self.publisher = Publisher(config.mqtt, self.outbox, self.identity, lambda: status.describe(self), rng, companions, announce)
        self.publisher.on_acknowledged(self._published)
        self.started_ns = time.monotonic_ns()
        self.accepted: Callable[[str, PlateEvent], None] = lambda event_id, event: None  # called on the accepting thread
        self.published: Callable[[Row], None] = lambda row: None  # called on the publisher's thread
        sources = [(f"camera {name}", self._source(camera, name)) for name, camera in self.cameras.items()]
        stages = (*self.loop.stages(), Stage("accept", self._accept))
        self.pipeline = Pipeline(sources, lambda most: self.slots.take(stop, self.pipeline.pulses["detect"].beat, most), stages, stop)

    def start(self) -> None:
        self.publisher.start()
        self.pipeline.start()
        log.info("started: %s", ", ".join(f"{spec.id} ({spec!r})" for spec in self.config.cameras))

    def run(self, look: Callable[[], None] = nothing) -> None:
        """Until stopped, or until all recordings have ended; calls `look` every LOOK_S.

        Raises StageError, OutboxError or RuntimeError for a thread that failed, and what `look` raises.
        """
        while not self.stop.is_set() and not self.pipeline.wait(LOOK_S):
            self.outbox.check()
            self.publisher.check()
            look()
        self.pipeline.check()
        if not self.stop.is_set():
            self.publisher.drain(self.config.stop_s)  # the recordings ended: their last events leave before the unit does

    def adopt(self, config: Config) -> None:
        """Take up the sections that may change while the unit runs, from any thread.

        Raises PrivacyError or ListError, and has changed nothing then.
        """
        privacy, grammar = Privacy(config.privacy), Grammar.load(REGIONS, config.regions or None)
        lists = Lists(config.lists, grammar)
        privacy.withheld = self.privacy.withheld
        self.config, self.privacy = config, privacy
        self.loop.judge.grammar, self.loop.judge.rules, self.loop.judge.watch = grammar, judge_rules(config), lists
        self.loop.grounds, self.loop.courses.parked_after_s = grounds(config), config.events.parked_after_s
        self.governor.rules = governor_rules(config)
        self.settle()

    def settle(self) -> None:
        """Let the gate do what config and governor together allow."""
        self.loop.gate.rules = within(gate_rules(self.config), self.governor.step)

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
        self.door.close()
        self.outbox.close(self.config.stop_s / 4)

    def _opened(self, spec: CameraSpec, rng: np.random.Generator) -> Camera:
        return open_camera(spec, np.random.default_rng(rng.integers(2**32)))

    def _source(self, camera: Camera, name: str) -> Callable[[], None]:
        """A camera's thread: leave every frame in its slot, and say when there are no more."""

        pulse = self.pulses[name]

        def run() -> None:
            asked_ns = time.monotonic_ns()
            for frame in camera.frames(self.stop):
                pulse.beat()
                if not camera.live:
                    self.capture.add(time.monotonic_ns() - asked_ns)
                elif frame.number % self.governor.step.every:
                    self.shed[name] += 1
                    continue
                self.slots.put(self._masked(frame), camera.live, self.stop, pulse.beat)
                asked_ns = time.monotonic_ns()
            pulse.ended = True
            self.slots.end(name)

        return run

    def _masked(self, frame: Frame) -> Frame:
        """Before anything looks at it: nobody can read, keep or ask for what is not there."""
        polygons = polygons_of(self.config.privacy.masks, frame.camera)
        frame = replace(frame, bgr=masked(frame.bgr, polygons)) if polygons else frame
        if "snapshot" in self.config.commands.allow:
            self.latest[frame.camera] = frame
        return frame

    def _accept(self, read: PlateEvent) -> Iterable[PlateEvent]:
        """Commit an event that may leave. One that cannot be is counted and said, and takes nothing else with it."""
        event = self.privacy(read)
        if event is None:
            return ()
        try:
            event_id = self.outbox.accept(event)
        except (OutboxError, EventError) as error:
            self.lost[type(error).__name__] += 1
            log.error("an event was not accepted: %s", error)
            return ()
        self.accepted(event_id, event)
        if self.loop.onlooker is not None:
            self.loop.onlooker.accepted(event_id, event)
        if event.crop is not None:
            self.publisher.offer_crop(event.camera, event_id, event.crop)
        return (event,)

    def _published(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.published(row)


def models(config: Config) -> dict[str, str]:
    """Stage → "name version", as every event and the status tell."""
    stages = {"detector": config.detector.model, "enhancer": config.enhancer.model, "reader": config.reader.model}
    stages |= {"corners": config.corners.model} if config.corners.model else {}
    found = {stage: contract.load(path, verify=False) for stage, path in stages.items()}
    return {stage: f"{each.name} {each.version}" for stage, each in found.items()}
