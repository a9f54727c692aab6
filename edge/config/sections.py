"""The sections of config.yaml: every key with its type, its bounds and its default. The annotations are the validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from edge.adapters import Adapters, HomeAssistant
from edge.cameras.spec import CameraSpec, secrets_of
from edge.engines.triton.server import Server
from edge.lists import PlateList
from edge.mqtt.config import MqttConfig
from edge.privacy import PrivacyRules
from edge.web import access
from edge.zones.road import Road
from edge.zones.rules import Line, Zone

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Pixels = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Threads = Annotated[int, Field(ge=1, le=64)]
Days = Annotated[float, Field(ge=0, le=36_500)]
Megabytes = Annotated[int, Field(ge=16, le=1 << 20)]
Precision = Literal["auto", "fp32", "int8"]
Canvas = Annotated[int, Field(ge=32, multiple_of=32, description="a multiple of 32 px")]
LEVEL = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
LEVEL_WORDS = "at most 63 letters, digits, '.', '_' and '-', as a topic's level"
Name = Annotated[str, Field(pattern=LEVEL, description=LEVEL_WORDS)]


@dataclass(frozen=True, slots=True)
class Device:
    """Who this unit is; without an id, whom its certificate names."""

    id: Name = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class Detector:
    """The model that finds plates."""

    model: Path = Path("models/detector.yaml")
    threshold: Share = 0.1
    longest_px: Annotated[int, Field(ge=64)] | None = None
    threads: Threads = 1
    precision: Precision = "auto"


@dataclass(frozen=True, slots=True)
class Corners:
    """The model that finds a plate's corners anew before it is straightened; without one, the detector's are good enough."""

    model: Path | None = None
    threads: Threads = 1


@dataclass(frozen=True, slots=True)
class Enhancer:
    """The model that sharpens plates too small or too blurred to read."""

    model: Path = Path("models/lpsr.yaml")
    threads: Threads = 1
    precision: Precision = "auto"


@dataclass(frozen=True, slots=True)
class Reader:
    """The model that reads them."""

    model: Path = Path("models/reader.yaml")
    threads: Threads = 1
    precision: Precision = "auto"


@dataclass(frozen=True, slots=True)
class TensorRt:
    """How a GPU runs the models: see `edge.engines.tensorrt.stages.Engines`."""

    engines: Path = Path("var/engines")
    precision: Literal["auto", "fp32", "fp16", "int8"] = "auto"
    canvases_px: tuple[tuple[Canvas, Canvas], ...] = ((384, 640), (480, 640))
    graphs: bool = True
    dla: bool = False


@dataclass(frozen=True, slots=True)
class Tracking:
    """When two sightings are one vehicle, and when it is gone: see `TrackerRules`."""

    lost_s: Seconds = 1.0
    high: Share = 0.5
    low: Share = 0.1
    match_iou: Share = 0.2


@dataclass(frozen=True, slots=True)
class Gate:
    """Which crops are worth reading, and how: see `GateRules`. Heights are of one line of text."""

    min_line_px: Pixels = 6.0
    enhance: Literal["auto", "always", "never"] = "auto"
    enhance_below_px: Pixels = 18.0
    enhance_below_sharpness: Share = 0.12
    give_up_reads: Count = 30


@dataclass(frozen=True, slots=True)
class Events:
    """When a plate is published."""

    early_score: Share = 0.95
    final_score: Share = 0.8
    early_reads: Count = 2
    parked_after_s: Seconds = 60.0


@dataclass(frozen=True, slots=True)
class Outbox:
    """Where events wait for the broker."""

    path: Path = Path("var/outbox.db")
    size_mb: Megabytes = 512
    when_full: Literal["expire_oldest", "refuse_new"] = "expire_oldest"
    expire_days: Days = 0.0
    keep_days: Days = 7.0
    most_refusals: Count = 10


@dataclass(frozen=True, slots=True)
class Commands:
    """What the unit may be told over MQTT: nothing, unless it is named."""

    allow: tuple[Literal["status", "replay", "snapshot", "reload", "log_level"], ...] = ()


@dataclass(frozen=True, slots=True)
class Audit:
    """Where commands and erasures are written down."""

    path: Path = Path("var/audit.jsonl")
    keep_days: Days = 365.0


@dataclass(frozen=True, slots=True)
class Health:
    """The page for metrics and health checks."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 9108


@dataclass(frozen=True, slots=True)
class Web:
    """The live view: see docs/live-view.md. Off, nothing of it is loaded."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 9109
    token_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    allow_plain: bool = False
    edit: bool = True
    fps: Annotated[float, Field(gt=0, le=30)] = 5.0
    longest_px: Annotated[int, Field(ge=160, le=3840)] = 960


@dataclass(frozen=True, slots=True)
class Governor:
    """When work is shed: see `GovernorRules`."""

    enabled: bool = True
    hot_c: float = 85.0
    cool_c: float = 75.0
    most_watts: Annotated[float, Field(gt=0)] | None = None
    react_s: Seconds = 10.0
    recover_s: Seconds = 60.0


@dataclass(frozen=True, slots=True)
class Watchdog:
    """When a thread that does not come round is stuck."""

    stage_s: Seconds = 10.0


@dataclass(frozen=True, slots=True)
class Log:
    level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that an operator sets; paths are absolute, names checked, files there."""

    # read by pydantic for every section below: nothing is guessed from another type, nothing unknown is passed over
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    device: Device
    cameras: tuple[CameraSpec, ...]
    engine: Literal["onnx", "tensorrt", "triton"] = "onnx"
    tensorrt: TensorRt = field(default_factory=TensorRt)
    triton: Server = field(default_factory=Server)
    detector: Detector = field(default_factory=Detector)
    corners: Corners = field(default_factory=Corners)
    enhancer: Enhancer = field(default_factory=Enhancer)
    reader: Reader = field(default_factory=Reader)
    regions: tuple[str, ...] = ()
    tracking: Tracking = field(default_factory=Tracking)
    gate: Gate = field(default_factory=Gate)
    events: Events = field(default_factory=Events)
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    roads: tuple[Road, ...] = ()
    lists: tuple[PlateList, ...] = ()
    mqtt: MqttConfig = field(default_factory=MqttConfig)
    adapters: Adapters = field(default_factory=Adapters)
    home_assistant: HomeAssistant = field(default_factory=HomeAssistant)
    outbox: Outbox = field(default_factory=Outbox)
    privacy: PrivacyRules = field(default_factory=PrivacyRules)
    commands: Commands = field(default_factory=Commands)
    audit: Audit = field(default_factory=Audit)
    health: Health = field(default_factory=Health)
    web: Web = field(default_factory=Web)
    governor: Governor = field(default_factory=Governor)
    watchdog: Watchdog = field(default_factory=Watchdog)
    log: Log = field(default_factory=Log)
    stop_s: Annotated[float, Field(gt=0, le=60)] = 2.0

    def secrets(self) -> Iterator[str]:
        """Everything that must stand in no log: passwords of cameras and broker, the page's token. Raises MqttConfigError or
        AccessError where it cannot be read."""
        for camera in self.cameras:
            yield from secrets_of(camera.source)
        yield self.mqtt.credentials()[1] or ""
        if self.web.enabled:
            yield access.secret(self.web.token_file)
