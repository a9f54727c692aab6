"""Whether a unit has what a bundle needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from edge.release.manifest import Manifest

MOST_CLOCK_S: Final = 120.0
ROOM: Final = 2.5
"""How often a bundle's unpacked size must be free: itself, unpacked, and some."""


def unmet(manifest: Manifest, facts: Mapping[str, Any]) -> list[str]:
    """What keeps a bundle from running on a unit of these `edge.release.facts`, in words; nothing where it may run."""
    return [*_device(manifest, facts), *_versions(manifest, facts), *_room(manifest, facts)]


def clock(facts: Mapping[str, Any], utc_s: float) -> str:
    """What is wrong with a unit's clock beside ours, "" where nothing is: certificates and times of events depend on it."""
    apart_s = facts["utc_s"] - utc_s
    if abs(apart_s) <= MOST_CLOCK_S:
        return ""
    return f"its clock is {abs(apart_s):.0f} s {'ahead of' if apart_s > 0 else 'behind'} ours: let it keep time (timedatectl set-ntp true)"


def _device(manifest: Manifest, facts: Mapping[str, Any]) -> Iterator[str]:
    needs, model, machine = manifest.needs, facts["model"], facts["machine"]
    if needs.machines and machine not in needs.machines:
        yield f"is for {', '.join(needs.machines)}, the unit is {machine}: pack one for it"
    if needs.models and not any(fnmatchcase(model, pattern) for pattern in needs.models):
        yield f"is for {', '.join(needs.models)}, the unit is {model or 'of no known model'}: pack one for it"


def _versions(manifest: Manifest, facts: Mapping[str, Any]) -> Iterator[str]:
    needs, wanted = manifest.needs, [("Python", manifest.needs.python, facts["python"])]
    if facts["l4t"]:
        wanted += [("JetPack", needs.jetpack, facts["jetpack"]), ("TensorRT", needs.tensorrt, facts["tensorrt"])]
    for name, least, found in wanted:
        if least and _parts(found) < _parts(least):
            yield f"needs {name} {least} or newer, the unit has {found or 'none'}: update the unit first"


def _room(manifest: Manifest, facts: Mapping[str, Any]) -> Iterator[str]:
    needs, disk_mb = manifest.needs, manifest.needs.disk_mb + ROOM * manifest.size / 2**20
    if facts["memory_mb"] < needs.memory_mb:
        yield f"needs {needs.memory_mb} MB of memory, the unit has {facts['memory_mb']}"
    if facts["disk_free_mb"] < disk_mb:
        yield f"needs {disk_mb:.0f} MB of disk, {facts['disk_free_mb']} are free"


def _parts(version: str) -> tuple[int, ...]:
    numbers = [part for part in version.replace("-", ".").replace("+", ".").split(".") if part.isdigit()]
    return tuple(map(int, numbers[:3]))
