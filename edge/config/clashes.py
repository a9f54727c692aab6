"""What no single value shows: names used twice, files that are not there, secrets that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import alpr
from alpr import contract
from edge.cameras.spec import CameraError, kind_of
from edge.config.problem import Key, spelled
from edge.config.safety import unsafe
from edge.config.sections import LEVEL, LEVEL_WORDS, Config
from edge.lists import ListError, entries
from edge.mqtt.config import MqttConfigError
from edge.zones.road import plane_of
from edge.zones.rules import ZoneError

Clash = tuple[Key, str]
KINDS = {"detector": "detection", "corners": "corners", "enhancer": "sr", "reader": "ocr"}
PRECISE = ("detector", "enhancer", "reader")
ORDERED = (
    (("detector", "threshold"), ("tracking", "low")),
    (("tracking", "low"), ("tracking", "high")),
    (("events", "final_score"), ("events", "early_score")),
)
REGIONS = Path(alpr.__file__).parent / "regions"


def clashes(config: Config) -> Iterator[Clash]:
    """Everything that is wrong with a config whose values are each allowed."""
    for check in (_camera_names, _camera_sources, _regions, _models, _order, _zones, _roads, _lists, _broker, unsafe):
        yield from check(config)


def _camera_names(config: Config) -> Iterator[Clash]:
    if not config.cameras:
        yield ("cameras",), "is empty, expected one camera or more"
    first: dict[str, int] = {}
    for index, camera in enumerate(config.cameras):
        if not re.fullmatch(LEVEL, camera.id):
            yield ("cameras", index, "id"), f"is {camera.id!r}, expected {LEVEL_WORDS}"
        elif camera.id in first:
            yield ("cameras", index, "id"), f"is {camera.id!r}, as is cameras[{first[camera.id]}].id: expected a name of its own"
        first.setdefault(camera.id, index)


def _camera_sources(config: Config) -> Iterator[Clash]:
    first: dict[str, int] = {}
    for index, camera in enumerate(config.cameras):
        try:
            kind = kind_of(camera.source)
        except CameraError as error:
            yield ("cameras", index, "source"), str(error).removeprefix("source ")
            continue
        except OSError as error:  # a name too long for any file
            yield ("cameras", index, "source"), f"is {camera.source!r}: {error.strerror}"
            continue
        if kind in ("file", "folder") and not Path(camera.source).exists():
            yield ("cameras", index, "source"), f"is {camera.source!r}: there is no such file or folder"
        elif kind in ("csi", "v4l2") and camera.source in first:
            yield ("cameras", index, "source"), f"is {camera.source!r}, which cameras[{first[camera.source]}] has already: expected another"
        first.setdefault(camera.source, index)


def _regions(config: Config) -> Iterator[Clash]:
    known = {path.stem.upper() for path in REGIONS.glob("*.yaml")}
    for index, code in enumerate(config.regions):
        if code.upper() not in known:
            yield ("regions", index), f"is {code!r}, expected one of {', '.join(sorted(known))}"


def _models(config: Config) -> Iterator[Clash]:
    for stage, kind in KINDS.items():
        if (model := getattr(config, stage).model) is None:
            continue
        try:
            found = contract.load(model)
        except contract.ContractError as error:
            yield (stage, "model"), f"is refused: {error}"
            continue
        if found.kind != kind:
            yield (stage, "model"), f"is {str(found.path)!r}, a model of kind {found.kind}, expected kind {kind}"
        if stage in PRECISE and getattr(config, stage).precision == "int8":
            yield from _int8(stage, found)


def _int8(stage: str, found: contract.Contract) -> Iterator[Clash]:
    try:
        contract.variant(found, "cpu-int8")
    except contract.ContractError as error:
        yield (stage, "precision"), f"is 'int8', which cannot be had: {error}"


def _order(config: Config) -> Iterator[Clash]:
    for lower, upper in ORDERED:
        least, found = (getattr(getattr(config, section), name) for section, name in (lower, upper))
        if found < least:
            yield upper, f"is {found}, expected at least {spelled(lower)}, {least}"


def _zones(config: Config) -> Iterator[Clash]:
    """Zones and lines of cameras that there are, each camera's with names of their own."""
    cameras = [camera.id for camera in config.cameras]
    for section in ("zones", "lines"):
        first: dict[tuple[str, str], int] = {}
        for index, each in enumerate(getattr(config, section)):
            if each.camera not in cameras:
                yield (section, index, "camera"), f"is {each.camera!r}, expected one of {', '.join(cameras)}"
            if (other := first.setdefault((each.camera, each.name), index)) != index:
                yield (section, index, "name"), f"is {each.name!r}, as is {section}[{other}].name: expected a name of its own"


def _roads(config: Config) -> Iterator[Clash]:
    """At most one for each of the cameras that there are, each with points that fix it."""
    cameras, first = [camera.id for camera in config.cameras], dict[str, int]()
    for index, each in enumerate(config.roads):
        if each.camera not in cameras:
            yield ("roads", index, "camera"), f"is {each.camera!r}, expected one of {', '.join(cameras)}"
        if (other := first.setdefault(each.camera, index)) != index:
            yield ("roads", index, "camera"), f"is {each.camera!r}, as is roads[{other}].camera: expected one road a camera"
        try:
            plane_of(each)
        except ZoneError as error:
            yield ("roads", index, "points"), str(error).removeprefix("points ")


def _lists(config: Config) -> Iterator[Clash]:
    """Lists with names of their own, and files that can be read."""
    first: dict[str, int] = {}
    for index, each in enumerate(config.lists):
        if (other := first.setdefault(each.name, index)) != index:
            yield ("lists", index, "name"), f"is {each.name!r}, as is lists[{other}].name: expected a name of its own"
        try:
            entries(each.file)
        except ListError as error:
            yield ("lists", index, "file"), str(error).removeprefix("file ")


def _broker(config: Config) -> Iterator[Clash]:
    for attempt in (config.mqtt.credentials, config.mqtt.tls_context):
        try:
            attempt()
        except MqttConfigError as error:
            key, _, text = str(error).removeprefix("mqtt.").partition(" ")
            yield ("mqtt", key.rstrip(":")), text
