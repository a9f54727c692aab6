"""Whether an environment has what a lock file pins: run by that environment's own Python, python pins.py LOCK. Standard library alone."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def lacking(lock: str) -> list[str]:
    """What is not there in its pinned version. Pins for some systems only ("; python_version …") are left to who made the environment."""
    pins = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)\s*(?:\\)?$", lock, re.MULTILINE)
    return [f"{name}=={pinned}" for name, pinned in pins if _version(name) != pinned]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    missing = lacking(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.exit(f"lacks {', '.join(missing)}" if missing else 0)
