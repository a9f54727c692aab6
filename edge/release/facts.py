"""What a unit is and what is on it, as a line of JSON. Sent to a bare unit over SSH and run there by its own Python: python3 - --root /

Standard library alone, and nothing that a Python 3.8 would not read: a unit that is too old must be able to say so.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import sys
import time
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

JETPACKS = (((39, 2), "7.2"), ((38,), "7.0"), ((36, 5), "6.2"), ((36, 4), "6.1"), ((36, 2), "6.0"), ((35,), "5.1"))
"""The L4T release from which on a JetPack is at least that one."""
MODULES = ("cv2", "tensorrt")
"""What a JetPack brings for the system's own Python."""
PROGRAMS = ("rsync", "systemctl", "systemd-sysusers", "systemd-tmpfiles")


def facts(root: Path) -> dict[str, Any]:
    l4t = _l4t(root)
    return {
        "model": _text(root / "proc/device-tree/model").strip("\0 \n") or _text(root / "sys/class/dmi/id/product_name").strip(),
        "machine": platform.machine(),
        "l4t": ".".join(map(str, l4t)),
        "jetpack": next((name for least, name in JETPACKS if l4t >= least), ""),
        "tensorrt": _tensorrt(root),
        "python": platform.python_version(),
        "venv": importlib.util.find_spec("ensurepip") is not None,
        "modules": [name for name in MODULES if PathFinder.find_spec(name, _packages(root)) is not None],
        "compiles": [name for name, there in _compilers(root).items() if there],
        "lacks": [name for name in PROGRAMS if shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None],
        "memory_mb": _memory_mb(root),
        "disk_free_mb": shutil.disk_usage(_existing(root / "opt/kerbside-store")).free >> 20,
        "utc_s": time.time(),
        "store": store(root / "opt/kerbside-store"),
    }


def store(folder: Path) -> dict[str, Any]:
    """What the unit's releases are; empty values where there are none."""
    releases = [path for path in folder.glob("releases/*") if path.name.isdigit()]
    return {
        "current": _link(folder / "current"),
        "good": _link(folder / "good"),
        "complete": {path.name: _sha256(path / "manifest.json") for path in releases if (path / ".venv").exists()},
        "journal": _json(folder / "journal.json"),
        "environments": sorted(path.name[: -len(".done")] for path in folder.glob("environments/*.done")),
        "keys": _json(folder / "trust.json").get("keys", []),
    }


def _link(path: Path) -> int:
    name = os.path.basename(os.readlink(str(path))) if path.is_symlink() else ""
    return int(name) if name.isdigit() else 0


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _l4t(root: Path) -> tuple[int, ...]:
    """/etc/nv_tegra_release: "# R36 (release), REVISION: 4.3, GCID: …"."""
    found = re.search(r"R(\d+) \(release\), REVISION: (\d+)\.(\d+)", _text(root / "etc/nv_tegra_release"))
    return tuple(int(part) for part in found.groups()) if found else ()


def _tensorrt(root: Path) -> str:
    """The version of the installed library, by the package manager's own list."""
    found = re.search(
        r"^Package: libnvinfer\d+\n(?:(?!\n\n)[\s\S])*?^Version: (\d+\.\d+\.\d+)", _text(root / "var/lib/dpkg/status"), re.MULTILINE
    )
    return found.group(1) if found else ""


def _packages(root: Path) -> list[str]:
    """Where the system's own Python, and no environment, has its packages: in Debian's and Ubuntu's folders, or in everybody else's."""
    version = "python{}.{}".format(*sys.version_info)
    folders = ["local/lib/" + version + "/dist-packages", "lib/python3/dist-packages"]
    folders += ["lib/" + version + name for name in ("/dist-packages", "/site-packages")]
    return [str(root / sys.base_prefix.lstrip("/") / folder) for folder in folders]


def _compilers(root: Path) -> dict[str, bool]:
    """What compiling against CUDA takes, and whether it is there."""
    cuda = root / "usr/local/cuda"
    header = "include/python{}.{}/Python.h".format(*sys.version_info)
    return {
        "g++": shutil.which("g++") is not None,
        "Python.h": (root / sys.base_prefix.lstrip("/") / header).exists(),
        **{name: (cuda / "include" / name).exists() for name in ("cuda.h", "cudaProfiler.h")},
        "nvcc": (cuda / "bin/nvcc").exists(),
    }


def _memory_mb(root: Path) -> int:
    found = re.search(r"^MemTotal: +(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    return int(found.group(1)) >> 10 if found else (os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) >> 20


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path) or "{}")
    except ValueError:
        found = {"damaged": True}
    return found if isinstance(found, dict) else {}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="What this unit is, as JSON.")
    parser.add_argument("--root", type=Path, default=Path("/"))
    print(json.dumps(facts(parser.parse_args(arguments).root)))


if __name__ == "__main__":
    main(sys.argv[1:])
