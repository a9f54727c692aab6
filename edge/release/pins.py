"""What a lock file pins, and whether an environment has it: its own Python is asked, python pins.py LOCK. Standard library alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def lacking(lock: str) -> list[str]:
    """What is not there in its pinned version. Pins for some systems only ("; python_version …") are left to who made the environment."""
    pins = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)\s*(?:\\)?$", lock, re.MULTILINE)
    return [f"{name}=={pinned}" for name, pinned in pins if _version(name) != pinned]


def of(lock: str, names: Collection[str]) -> str:
    """The lock with the pins of these packages alone."""
    return "".join(f"{entry}\n" for entry in _entries(lock) if _name(entry) in names)


def without(lock: str, names: Collection[str]) -> str:
    """The lock with all other pins."""
    return "".join(f"{entry}\n" for entry in _entries(lock) if _name(entry) not in names)


def exact(lock: str, names: Collection[str]) -> list[str]:
    """name==version of these packages."""
    return [found[0] for entry in _entries(lock) if _name(entry) in names and (found := re.match(r"[^\s;]+", entry))]


def _entries(lock: str) -> list[str]:
    """Each pin with its marker and hashes, on a line."""
    lines = lock.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _name(entry: str) -> str:
    """As pip compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", entry.partition("==")[0].strip()).lower()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    missing = lacking(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.exit(f"lacks {', '.join(missing)}" if missing else 0)
