"""What the release reads of its own pictures on this machine: the measure that a unit's self-test is held to."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2

from edge.config import load
from edge.release import ReleaseError, reading
from edge.release.manifest import Limits
from edge.release.reading import FOLDER, PICTURES, Picture, Report
from tools.bundle.pictures import Rendered

LEAST_SHARE: Final = 0.7
"""Of its own plain pictures; a release that reads fewer here is not worth a unit's time."""
MAY_DIFFER: Final = 0.1
"""Share of plates and pictures: another precision or processor rounds otherwise."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What goes into the bundle for it."""

    files: dict[str, bytes]
    limits: Limits
    accuracy: dict[str, Any]


def measured(root: Path, rendered: Iterable[Rendered], most_ms: float) -> SelfTest:
    """Raises ReleaseError where the models here read too little, ConfigError or ContractError where they cannot read at all."""
    stills = reading.stills_from(load(root / "config.yaml"))
    with tempfile.TemporaryDirectory(prefix="kerbside-bundle-") as name:
        folder = Path(name)
        wanted = [_written(each, folder) for each in rendered]
        known = [replace(each, read=texts) for each, (texts, _) in zip(wanted, reading.reads(wanted, folder, stills), strict=True)]
        report = reading.report(known, folder, stills)
        files = {f"{FOLDER}/{each.file}": (folder / each.file).read_bytes() for each in known}
    if report.exact < LEAST_SHARE * report.plates:
        raise ReleaseError(f"the models read {report.exact} of {report.plates} rendered plates, expected {LEAST_SHARE:.0%}")
    rows = [{"file": each.file, "kind": each.kind, "truth": each.truth, "read": each.read} for each in known]
    files[f"{FOLDER}/{PICTURES}"] = json.dumps(rows, indent=1).encode()
    return SelfTest(files, _limits(report, most_ms), {"selftest": {**asdict(report), "machine": platform.machine()}})


def _limits(report: Report, most_ms: float) -> Limits:
    plates, pictures = (max(1, round(MAY_DIFFER * count)) for count in (report.plates, report.pictures))
    return Limits(max(1, report.exact - plates), max(1, report.pictures - pictures), most_ms)


def _written(each: Rendered, folder: Path) -> Picture:
    if not cv2.imwrite(str(folder / each.name), each.bgr):
        raise OSError(f"{folder / each.name}: cannot be written")
    return Picture(each.name, each.kind, each.truth)
