"""What a release reads of the bundle's own pictures with the unit's engine, and how fast.

The unit's config says which engine runs, and is checked by this release's rules; thresholds and regions are the release's own, so that the
reads can be compared with the packer's.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2

from alpr.metrics import percentiles
from edge.config import Config, load
from edge.engines import EngineError
from edge.release import runtime
from edge.still import Stills
from edge.unit import loop_from

FOLDER: Final = "selftest"
PICTURES: Final = "pictures.json"
STAGES: Final = ("detector", "enhancer", "reader")
SURE: Final = 0.5
"""A find of a scene counts from this score on."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A rendered picture, what it shows, and what the packer's machine read."""

    file: str
    kind: str  # "crop" or "scene"
    truth: tuple[str, ...]
    read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What the self-test found."""

    plates: int
    exact: int  # plates whose text was read
    pictures: int
    agreeing: int  # pictures that were read as on the packer's machine
    ms: float  # the median of a picture
    other: tuple[str, ...] = ()  # pictures that were read otherwise, in words


def told(release: Path, config: Path) -> str:
    """The self-test's report as JSON. Raises ConfigError, ContractError, EngineError, RegionError or OSError where there is none."""
    wanted = config_of(release, config)
    if lacking := runtime.lacking(wanted.engine):
        raise EngineError(f"engine: {wanted.engine} {runtime.CANNOT}: {'; '.join(lacking)}")
    return json.dumps(asdict(report(pictures(release / FOLDER), release / FOLDER, stills_from(wanted))))


def config_of(release: Path, config: Path) -> Config:
    """The release's own config with the unit's engine. Raises ConfigError where the release does not understand the unit's."""
    shipped = load(release / "config.yaml")
    if config.resolve() == (release / "config.yaml").resolve():
        return shipped
    models = {f"{stage}.model": str(getattr(shipped, stage).model) for stage in STAGES}
    if shipped.corners.model is not None:
        models["corners.model"] = str(shipped.corners.model)
    unit = load(config, models, secrets=False)  # a stand-in for a private key is none, and the daemon reads the real ones
    stages = {name: replace(getattr(shipped, name), precision=getattr(unit, name).precision) for name in STAGES}
    return replace(shipped, engine=unit.engine, tensorrt=unit.tensorrt, triton=unit.triton, **stages)


def stills_from(config: Config) -> Stills:
    return Stills.of(loop_from(config))


def pictures(folder: Path) -> list[Picture]:
    rows: list[dict[str, Any]] = json.loads((folder / PICTURES).read_text(encoding="utf-8"))
    return [Picture(row["file"], row["kind"], tuple(row["truth"]), tuple(row["read"])) for row in rows]


def report(wanted: Iterable[Picture], folder: Path, stills: Stills) -> Report:
    wanted = list(wanted)
    found = list(reads(wanted, folder, stills))
    right = [sum((Counter(picture.truth) & Counter(texts)).values()) for picture, (texts, _) in zip(wanted, found, strict=True)]
    other = [
        f"{picture.file}: read {' '.join(texts) or 'nothing'}, expected {' '.join(picture.read) or 'nothing'}"
        for picture, (texts, _) in zip(wanted, found, strict=True)
        if texts != picture.read
    ]
    ms = percentiles([took_ms for _, took_ms in found], (50,))["p50"]
    return Report(
        sum(len(each.truth) for each in wanted), sum(right), len(wanted), len(wanted) - len(other), round(ms, 2), tuple(other[:8])
    )


def reads(wanted: list[Picture], folder: Path, stills: Stills) -> Iterator[tuple[tuple[str, ...], float]]:
    """What is read of each picture, sorted, and in how many ms. Raises OSError for a picture that cannot be decoded."""
    for picture in wanted[:1]:
        _read(picture, folder, stills)  # the first of all warms up
    for picture in wanted:
        started_s = time.perf_counter()
        texts = _read(picture, folder, stills)
        yield texts, 1000 * (time.perf_counter() - started_s)


def _read(picture: Picture, folder: Path, stills: Stills) -> tuple[str, ...]:
    bgr: Any = cv2.imread(str(folder / picture.file), cv2.IMREAD_COLOR)
    if bgr is None:
        raise OSError(f"{folder / picture.file}: cannot be decoded")
    plates = [stills.crop(bgr)] if picture.kind == "crop" else [each for each in stills.scene(bgr) if each.score >= SURE]
    return tuple(sorted(plate.vote.plate for plate in plates if plate.vote.plate))
