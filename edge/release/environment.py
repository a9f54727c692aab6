"""A Python environment for each lock file: releases with the same lock share it, so that an update of models or code copies no wheels.

Made with the wheels that a bundle brings, or from the package index that pip on the unit knows; either way pip takes nothing whose hash
the lock does not have. On a Jetson it sees the system's packages too: OpenCV, CUDA and TensorRT are JetPack's. An image may bring an
environment of its own.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from edge.release import ReleaseError, pins
from edge.release.disk import point, write_whole
from edge.release.layout import Layout

INSTALL_S: Final = 1800.0
CHECK_S: Final = 120.0


def key(lock: bytes) -> str:
    """Of an environment: the lock and the Python that it is for."""
    return f"{hashlib.sha256(lock).hexdigest()[:16]}-{sys.version_info[0]}.{sys.version_info[1]}"


def ensure(layout: Layout, lock: Path, wheels: Path | None, of_image: Path | None = None, system_packages: bool = False) -> Path:
    """→ the environment of a lock file, made where it is not there or was not made to its end.

    `of_image`: one that is there already and has every pin. Raises ReleaseError with what pip said.
    """
    folder = layout.environments / key(lock.read_bytes())
    done = folder.with_name(f"{folder.name}.done")
    if done.exists() and (folder / "bin/python").exists():
        return folder
    done.unlink(missing_ok=True)
    if of_image is not None:
        _call([str(of_image / "bin/python"), pins.__file__, str(lock)], f"{of_image} is not of this lock", CHECK_S)
        _clear(folder)
        point(folder, str(of_image))
    else:
        _clear(folder)
        _make(folder, lock, wheels, system_packages)
    write_whole(done, b"")
    return folder


def _make(folder: Path, lock: Path, wheels: Path | None, system_packages: bool) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    seen = ["--system-site-packages"] if system_packages else []
    _call([sys.executable, "-m", "venv", *seen, str(folder)], "no venv can be made (apt-get install python3-venv)", CHECK_S)
    source = ["--no-index", "--find-links", str(wheels)] if wheels is not None else []
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    wanted = ["--only-binary", ":all:", "--require-hashes", "-r", str(lock)]
    _call([str(folder / "bin/python"), "-m", "pip", "install", *quiet, *source, *wanted], "pip cannot install the lock", INSTALL_S)


def _clear(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _call(command: list[str], otherwise: str, timeout_s: float) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReleaseError(f"{otherwise}: {error}") from error
    if done.returncode:
        raise ReleaseError(f"{otherwise}: {(done.stderr or done.stdout).strip()[-600:]}")
