"""Whether all that a unit installs can be had for it: each pin of a lock as a wheel for a Jetson's processor, C library and Python.

python -m tools.pins                 the lock of the unit's image, asked of the package index that pip knows
python -m tools.pins --wheels DIR    asked of a folder of wheels, as tools.bundle packs one
python -m tools.pins --save DIR      fetches them into a folder; --for "JetPack 6" for that one alone

pip itself looks for the wheels, and takes only those whose hash the lock has. Exit code 1 where a pin cannot be had.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlparse

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

LOCK: Final = Path(__file__).parents[1] / "requirements/jetson.lock"
CALL_S: Final = 300.0
OF_THE_SYSTEM: Final = {
    "opencv-python": "JetPack's or the distribution's, with GStreamer; a wheel has none, and would hide it",
    "tensorrt": "JetPack's: it belongs to the driver, and what the index has for this processor is a stub",
}
BUILT: Final = {"pycuda": "no wheel for anything: compiled where the unit's CUDA is, as Dockerfile.jetson does"}


@dataclass(frozen=True, slots=True)
class Target:
    """A JetPack: its Python and the newest manylinux of its C library."""

    name: str
    python: str
    glibc_minor: int

    @property
    def environment(self) -> dict[str, str]:
        """What markers ask; pip would answer them for the Python that it runs in."""
        of_python = {"python_version": self.python, "python_full_version": f"{self.python}.0", "implementation_name": "cpython"}
        of_system = {"platform_machine": "aarch64", "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
        return {**of_python, **of_system, "platform_python_implementation": "CPython"}

    @property
    def options(self) -> list[str]:
        """pip takes a platform word by word, so each older manylinux is named too."""
        versions = [*(f"manylinux_2_{minor}" for minor in range(self.glibc_minor, 16, -1)), "manylinux2014", "linux"]
        return ["--implementation", "cp", "--python-version", self.python, *(f"--platform={version}_aarch64" for version in versions)]


TARGETS: Final = (Target("JetPack 6", "3.10", 35), Target("JetPack 7", "3.12", 39))
"""Ubuntu 22.04 and 24.04."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A line of a lock; `hashes` as pip's options."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def line(self) -> str:
        return " ".join((f"{self.requirement.name}{self.requirement.specifier}", *self.hashes))

    def is_for(self, target: Target) -> bool:
        return self.requirement.marker is None or self.requirement.marker.evaluate(target.environment)


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a pin."""

    pin: Pin
    good: bool
    says: str


def pins(lock: str) -> list[Pin]:
    """Of a lock file's text. Raises packaging.requirements.InvalidRequirement for a line that is none."""
    lines = [line.strip() for line in lock.replace("\\\n", " ").splitlines()]
    split = [re.split(r"\s+--hash=", line) for line in lines if line and not line.startswith("#")]
    return [Pin(Requirement(first), tuple(f"--hash={each}" for each in hashes)) for first, *hashes in split]


def rows(lock: Sequence[Pin], target: Target, source: Sequence[str] = ()) -> Iterator[Row]:
    """A row for each pin that is for the target; `source` says to pip where wheels are, if not where it always looks."""
    wanted = [pin for pin in lock if pin.is_for(target)]
    yield from (Row(pin, True, BUILT[pin.name]) for pin in wanted if pin.name in BUILT)
    yield from asked([pin for pin in wanted if pin.name not in BUILT], target, source)


def asked(wanted: Sequence[Pin], target: Target, source: Sequence[str]) -> list[Row]:
    """All in one call; half by half where pip does not find them all, for it stops at the first that is missing."""
    wheels, said = found(wanted, target, source) if wanted else ({}, "")
    if len(wheels) == len(wanted):
        return [Row(pin, *wheels[pin.name]) for pin in wanted]
    if len(wanted) > 1:
        middle = len(wanted) // 2
        return asked(wanted[:middle], target, source) + asked(wanted[middle:], target, source)
    made = without_compiler(wanted[0], source)
    return [Row(wanted[0], bool(made), f"{made}, made of its sources without a compiler" if made else f"cannot be had: {said}")]


def found(wanted: Sequence[Pin], target: Target, source: Sequence[str]) -> tuple[dict[str, tuple[bool, str]], str]:
    """Of each pin, whether its wheel is good and which it is; nothing, and what pip said, where it did not find them all."""
    with tempfile.TemporaryDirectory() as folder:
        lines, report = Path(folder, "lines.txt"), Path(folder, "report.json")
        lines.write_text("\n".join(pin.line for pin in wanted), encoding="utf-8")
        options = ["--dry-run", "--target", folder, "--ignore-installed", "--no-deps", "--only-binary=:all:", "--report", str(report)]
        # for which Python a package is, pip install compares with its own
        done = _pip("install", *options, "--ignore-requires-python", *target.options, *source, "-r", str(lines))
        if done.returncode:
            return {}, _first_error(done.stderr)
        items = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {canonicalize_name(item["metadata"]["name"]): fits(item, target) for item in items}, ""


def fits(item: Mapping[str, Any], target: Target) -> tuple[bool, str]:
    """Whether what pip found is for the target's Python, and its file."""
    file = Path(unquote(urlparse(item["download_info"]["url"]).path)).name
    wanted = item["metadata"].get("requires_python", "")
    good = SpecifierSet(wanted).contains(f"{target.python}.0", prereleases=True)
    return good, file if good else f"cannot be had: {file} is for Python {wanted}"


def save(lock: Sequence[Pin], target: Target, folder: Path, source: Sequence[str] = ()) -> str:
    """Fetch the wheel of each pin that is for the target, but of what is compiled → what pip complained of, "" where all came."""
    with tempfile.TemporaryDirectory() as name:
        lines = Path(name, "lines.txt")
        lines.write_text("\n".join(pin.line for pin in lock if pin.is_for(target) and pin.name not in BUILT), encoding="utf-8")
        options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--dest", str(folder)]
        done = _pip("download", *options, *target.options, *source, "-r", str(lines))
    return _first_error(done.stderr) if done.returncode else ""


def without_compiler(pin: Pin, source: Sequence[str]) -> str:
    """The wheel for any machine that a pin's sources give where nothing can be compiled; empty where they give none."""
    with tempfile.TemporaryDirectory() as folder:
        line = Path(folder, "line.txt")
        line.write_text(pin.line, encoding="utf-8")
        _pip("wheel", "--no-deps", "--no-binary", pin.name, "--wheel-dir", folder, *source, "-r", str(line), CC="false", CXX="false")
        return next((path.name for path in Path(folder).glob("*-none-any.whl")), "")


def main(arguments: list[str] | None = None, targets: Sequence[Target] = TARGETS) -> int:
    args = _parser().parse_args(arguments)
    lock = pins(args.lock.read_text(encoding="utf-8"))
    source = ["--no-index", "--find-links", str(args.wheels)] if args.wheels else []
    targets = [target for target in targets if args.jetpack in (None, target.name)]
    if args.save:
        return _saved(lock, targets, args.save, source)
    missing = 0
    for target in targets:
        print(f"{target.name}, Python {target.python}, aarch64")
        for row in rows(lock, target, source):
            missing += not row.good
            print(f"  {'' if row.good else '! '}{row.pin.name:26} {row.says}")
    pinned = {pin.name.removesuffix("-headless") for pin in lock}
    for name in OF_THE_SYSTEM.keys() - pinned:
        print(f"not pinned: {name}: {OF_THE_SYSTEM[name]}")
    print(f"{missing} of the pins of {args.lock} cannot be had" if missing else f"all pins of {args.lock} can be had")
    return 1 if missing else 0


def _saved(lock: Sequence[Pin], targets: Sequence[Target], folder: Path, source: Sequence[str]) -> int:
    wrong = {target.name: said for target in targets if (said := save(lock, target, folder, source))}
    for name, said in wrong.items():
        print(f"{name}: {said}")
    count = len(list(folder.glob("*.whl")))
    print(f"{folder}: {count} wheels; {', '.join(BUILT)} is compiled on a unit, and taken from there: docs/flashing.md")
    return 1 if wrong else 0


def _pip(command: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    called = [sys.executable, "-m", "pip", command, *quiet, *options]
    return subprocess.run(
        called, capture_output=True, text=True, timeout=CALL_S, env={**os.environ, **environment}, stdin=subprocess.DEVNULL
    )


def _first_error(said: str) -> str:
    """pip's own sentence; a second one only repeats the name."""
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    return errors[0] if errors else said.strip()[-300:]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.pins", description="Whether each pin of a lock can be had for a Jetson.")
    parser.add_argument("--lock", type=Path, default=LOCK, help="default: %(default)s")
    parser.add_argument("--wheels", type=Path, help="a folder of wheels, instead of the package index that pip knows")
    parser.add_argument("--save", type=Path, metavar="DIR", help="fetch the wheels into a folder, for units without a package index")
    parser.add_argument("--for", dest="jetpack", choices=[target.name for target in TARGETS], help="for that one alone (default: all)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
