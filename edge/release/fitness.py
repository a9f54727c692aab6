"""Whether a unit has what a bundle needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, Final

from edge.release.environment import WHEELS, key
from edge.release.manifest import JETPACK, OTHER, Environment, Manifest

MOST_CLOCK_S: Final = 120.0
ROOM: Final = 2.5
"""How often a bundle's unpacked size must be free: itself, unpacked, and some."""


WORDS: Final = {JETPACK: "a Jetson with its JetPack", OTHER: "a machine without a JetPack"}
PACKAGES: Final = {
    "cv2": "python3-opencv", "tensorrt": "python3-libnvinfer", "g++": "g++", "Python.h": "python3-dev",
    "cuda.h": "nvidia-jetpack", "cudaProfiler.h": "nvidia-jetpack", "nvcc": "nvidia-jetpack",
}  # fmt: skip
"""Who brings it, on a JetPack."""
OF_BUILDS: Final = ("g++", "Python.h", "cuda.h", "cudaProfiler.h", "nvcc")
OF_KERNELS: Final = ("g++", "nvcc")
KERNELS: Final = "var/cuda/kernels-"


def unmet(manifest: Manifest, facts: Mapping[str, Any], of_image: bool = False) -> list[str]:
    """What keeps a bundle from running on a unit of these `edge.release.facts`, in words; nothing where it may run.

    `of_image`: the unit's image brought an environment, and none is made.
    """
    return [*_device(manifest, facts), *_versions(manifest, facts), *_room(manifest, facts), *_environment(manifest, facts, of_image)]


def kind(facts: Mapping[str, Any]) -> str:
    """Which of a bundle's environments is a unit's."""
    return JETPACK if facts["l4t"] else OTHER


def has_kernels(manifest: Manifest) -> bool:
    """Whether the bundle brings its CUDA kernels compiled."""
    return any(path.startswith(KERNELS) for path in manifest.files)


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


def _environment(manifest: Manifest, facts: Mapping[str, Any], of_image: bool) -> Iterator[str]:
    wanted = manifest.environments.get(kind(facts))
    if wanted is None:
        others = " and ".join(WORDS.get(name, name) for name in manifest.environments)
        yield f"has an environment for {others}, the unit is {WORDS[kind(facts)]}: pack it with --for {kind(facts)}"
        return
    if not of_image and key(manifest.files[wanted.lock].sha256, facts["python"], wanted) not in facts["store"]["environments"]:
        yield from _made(manifest, facts, wanted)
    if kind(facts) == JETPACK and not has_kernels(manifest):
        yield from _compiled("its kernels", OF_KERNELS, facts)


def _made(manifest: Manifest, facts: Mapping[str, Any], wanted: Environment) -> Iterator[str]:
    """What keeps an environment from being made on the unit."""
    if lacking := [name for name in wanted.of_system if name not in facts["modules"]]:
        yield f"needs {' and '.join(lacking)} of the system's own Python, which has none: {_apt(lacking)}"
    if not any(path.startswith(f"{WHEELS}/") for path in manifest.files):
        yield from _compiled(", ".join(wanted.builds), OF_BUILDS if wanted.builds else (), facts)
    elif without := [name for name in wanted.builds if not _wheel(manifest, name, facts)]:
        of = f"for Python {facts['python']} on {facts['machine']}"
        yield f"brings wheels, but none of {', '.join(without)} {of}: add one (docs/flashing.md)"


def _compiled(what: str, by: Iterable[str], facts: Mapping[str, Any]) -> Iterator[str]:
    if missing := [name for name in by if name not in facts["compiles"]]:
        yield f"needs {', '.join(missing)} on the unit to compile {what}: {_apt(missing)}"


def _wheel(manifest: Manifest, name: str, facts: Mapping[str, Any]) -> bool:
    """Whether the bundle has a wheel of a package for the unit's Python and processor."""
    python = "cp" + "".join(facts["python"].split(".")[:2])
    parts = [PurePosixPath(path).name.split("-") for path in manifest.files if path.startswith(f"{WHEELS}/")]
    return any(each[0].lower() == name and each[-3] == python and each[-1].endswith(f"{facts['machine']}.whl") for each in parts)


def _apt(missing: Iterable[str]) -> str:
    return f"apt-get install {' '.join(dict.fromkeys(PACKAGES[name] for name in missing))}"


def _room(manifest: Manifest, facts: Mapping[str, Any]) -> Iterator[str]:
    needs, disk_mb = manifest.needs, manifest.needs.disk_mb + ROOM * manifest.size / 2**20
    if facts["memory_mb"] < needs.memory_mb:
        yield f"needs {needs.memory_mb} MB of memory, the unit has {facts['memory_mb']}"
    if facts["disk_free_mb"] < disk_mb:
        yield f"needs {disk_mb:.0f} MB of disk, {facts['disk_free_mb']} are free"


def _parts(version: str) -> tuple[int, ...]:
    numbers = [part for part in version.replace("-", ".").replace("+", ".").split(".") if part.isdigit()]
    return tuple(map(int, numbers[:3]))
