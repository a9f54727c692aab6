"""What a bundle holds, needs and reached: manifest.json, the one thing that is signed. Every other file is in it with its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from edge.release import RefusedError

SCHEMA: Final = "kerbside.bundle/1"
NAME, SIGNATURE = "manifest.json", "manifest.sig"
CODE = (".py", ".cu", ".cuh", ".fatbin", ".html", ".css", ".js", ".svg")
DATA = (".yaml", ".json", ".onnx", ".png", ".lock", ".txt", ".md", ".whl", ".service", ".sysusers", ".tmpfiles")
ALLOWED: Final = frozenset((*CODE, *DATA))
"""What a release is made of. Nothing that runs code when it is loaded as data: no pickle, no checkpoint."""
OLD_JETPACK, OLD_BUILDS, OLD_OF_SYSTEM = "requirements/jetson.lock", ("pycuda",), ("cv2", "tensorrt")
BY_NAME: Final = frozenset(("LICENSE", "install"))


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the bundle."""

    sha256: str
    size: int  # bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Needs:
    """What a unit must have; empty or 0 asks for nothing. JetPack and TensorRT are asked of Jetsons alone."""

    models: tuple[str, ...] = ()  # patterns of the device's own name: "NVIDIA Jetson Orin*"
    machines: tuple[str, ...] = ()  # aarch64, x86_64
    jetpack: str = ""  # at least
    tensorrt: str = ""
    python: str = ""
    memory_mb: int = 0
    disk_mb: int = 0  # free, beside the bundle itself


JETPACK, OTHER = "jetpack", "other"
"""Kinds of unit: a Jetson with its JetPack, and any other machine."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a kind of unit runs the release in."""

    lock: str  # the lock file
    builds: tuple[str, ...] = ()  # its pins that are wheels nowhere: compiled on the unit, unless `wheels/` has them
    of_system: tuple[str, ...] = ()  # modules that the system's own Python must have; where there are any, the environment sees them


@dataclass(frozen=True, slots=True)
class Limits:
    """What the self-test must reach on the unit."""

    least_exact: int = 0  # plates whose text is the truth
    least_agreeing: int = 0  # pictures that are read as on the machine that packed them
    most_ms: float = 0.0  # the median of a picture


@dataclass(frozen=True, slots=True)
class Manifest:
    """See `parse`."""

    release: int
    version: str
    revision: str
    made_at: str  # ISO 8601, UTC: when its source was committed
    environments: Mapping[str, Environment]  # by kind of unit; a kind that is not in it cannot have the release
    needs: Needs
    limits: Limits
    accuracy: Mapping[str, Any]  # measured where it was packed
    files: Mapping[str, Entry] = field(repr=False)
    sha256: str = ""  # of manifest.json

    @property
    def size(self) -> int:
        """Bytes, unpacked."""
        return sum(entry.size for entry in self.files.values())


def parse(data: bytes) -> Manifest:
    """Raises RefusedError, which says what is wrong and never what to skip."""
    try:
        fields = json.loads(data)
        if fields["schema"] != SCHEMA:
            raise RefusedError(
                f"{NAME}: schema is {fields['schema']!r}, expected {SCHEMA!r}: this unit's own release is too old for the bundle"
            )
        found = Manifest(
            release=int(fields["release"]),
            version=str(fields["version"]),
            revision=str(fields["revision"]),
            made_at=str(fields["made_at"]),
            environments=_environments(fields),
            needs=_needs(fields["needs"]),
            limits=Limits(**fields["limits"]),
            accuracy=dict(fields["accuracy"]),
            files={str(path): Entry(**entry) for path, entry in fields["files"].items()},
            sha256=hashlib.sha256(data).hexdigest(),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(f"{NAME}: cannot be used: {type(error).__name__}: {error}") from error
    if problems := list(_problems(found)):
        raise RefusedError(f"{NAME}: {'; '.join(problems)}")
    return found


def _needs(fields: dict[str, Any]) -> Needs:
    return Needs(**_tuples(fields))


def _environments(fields: dict[str, Any]) -> dict[str, Environment]:
    """By kind; an older bundle has but one lock, and says by its name alone that it is a JetPack's."""
    if "environments" in fields:
        return {str(kind): Environment(**_tuples(each)) for kind, each in fields["environments"].items()}
    lock = str(fields["lock"])
    return {JETPACK: Environment(lock, OLD_BUILDS, OLD_OF_SYSTEM)} if lock == OLD_JETPACK else {OTHER: Environment(lock)}


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _problems(manifest: Manifest) -> list[str]:
    found = [] if manifest.release > 0 else [f"release is {manifest.release}, expected a number from 1 on"]
    found += [f"{path!r} is no path within a release" for path in manifest.files if not _within(path)]
    found += [f"{path!r} is of a kind that no release holds" for path in manifest.files if not may_hold(path)]
    found += [] if manifest.environments else ["no environment is in it, expected one for a kind of unit"]
    locks = [each.lock for each in manifest.environments.values()]
    return found + [f"the lock file {lock!r} is not among its files" for lock in locks if lock not in manifest.files]


def may_hold(path: str) -> bool:
    """Whether a release may have a file of this kind."""
    name = PurePosixPath(path).name
    return name in BY_NAME or PurePosixPath(name).suffix in ALLOWED


def _within(path: str) -> bool:
    parts = PurePosixPath(path).parts
    plain = str(PurePosixPath(path)) == path and not path.startswith("/") and "\\" not in path and path.isprintable()
    return plain and bool(parts) and not any(part.startswith(".") for part in parts) and path not in (NAME, SIGNATURE)
