"""A Python environment for each lock file: releases with the same lock share it, so that an update of models or code copies no wheels.

Made with the wheels that a bundle brings, or from the package index that pip on the unit knows; either way pip takes nothing whose hash
the lock, or the signed manifest, does not have. On a JetPack unit it sees the system's packages too: OpenCV, CUDA and TensorRT are
JetPack's; what has no wheel anywhere is compiled there. An image may bring an environment of its own.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from edge.release import compiled, pins
from edge.release.child import call
from edge.release.disk import point, write_whole
from edge.release.layout import Layout
from edge.release.manifest import Environment

INSTALL_S: Final = 1800.0
CHECK_S: Final = 120.0
QUIET: Final = ("--quiet", "--disable-pip-version-check", "--no-input")
WHEELS: Final = "wheels"
"""In a release."""
BUILT: Final = "built"
"""In an environment: the wheels that were compiled for it."""


def key(sha256: str, python: str, wanted: Environment) -> str:
    """Of an environment: the lock, the Python that it is for, and whether it sees the system's packages."""
    return "-".join((sha256[:16], ".".join(python.split(".")[:2]), *(["system"] if wanted.of_system else [])))


def ensure(layout: Layout, release: Path, wanted: Environment, of_image: Path | None = None) -> Path:
    """→ the environment of an unpacked release, made where it is not there or was not made to its end.

    `of_image`: one that is there already and has every pin. Raises ReleaseError with what pip said.
    """
    lock = release / wanted.lock
    name = key(hashlib.sha256(lock.read_bytes()).hexdigest(), f"{sys.version_info[0]}.{sys.version_info[1]}", wanted)
    folder = layout.environments / name
    done = folder.with_name(f"{name}.done")
    if done.exists() and (folder / "bin/python").exists():
        return folder
    done.unlink(missing_ok=True)
    if of_image is not None:
        call([str(of_image / "bin/python"), pins.__file__, str(lock)], f"{of_image} is not of this lock", CHECK_S)
        _clear(folder)
        point(folder, str(of_image))
    else:
        _clear(folder)
        wheels = release / WHEELS
        _make(folder, lock.read_text(encoding="utf-8"), wanted, wheels if wheels.is_dir() else None, layout.cuda)
    write_whole(done, b"")
    return folder


def _make(folder: Path, lock: str, wanted: Environment, wheels: Path | None, cuda: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    seen = ["--system-site-packages"] if wanted.of_system else []
    call([sys.executable, "-m", "venv", *seen, str(folder)], "no venv can be made (apt-get install python3-venv)", CHECK_S)
    pip = [str(folder / "bin/python"), "-m", "pip"]
    if seen:  # what the system has in the pinned version would count as installed; and what venv brought would be written over
        call([*pip, "uninstall", *QUIET, "--yes", "setuptools"], "pip cannot take setuptools out", CHECK_S)
        seen = ["--ignore-installed"]
    source = ["--no-index", "--find-links", str(wheels)] if wheels is not None else []
    with tempfile.TemporaryDirectory(prefix="kerbside-lock-") as name:
        plain, rest = Path(name) / "plain.txt", Path(name) / "rest.txt"
        plain.write_text(pins.without(lock, wanted.builds), encoding="utf-8")
        rest.write_text(pins.of(lock, wanted.builds), encoding="utf-8")
        taken = ["--only-binary", ":all:", "--require-hashes", "-r", str(plain)]
        call([*pip, "install", *QUIET, *source, *seen, *taken], "pip cannot install the lock", INSTALL_S)
        if wanted.builds:
            if wheels is None:
                compiled.wheels(folder / "bin/python", rest, folder / BUILT, cuda)
            found = ["--no-index", "--find-links", str(wheels or folder / BUILT), "--no-deps", "--only-binary", ":all:"]
            taken = pins.exact(lock, wanted.builds)  # each wheel was in the signed manifest, or has just been made here
            call([*pip, "install", *QUIET, *found, *seen, *taken], "pip cannot install what the lock has no wheel of", INSTALL_S)


def _clear(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)
