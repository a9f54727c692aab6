"""A Jetson's files below a folder, as its JetPack leaves them: what a unit's facts are told from."""

from __future__ import annotations

import sys
from pathlib import Path

ORIN = "NVIDIA Jetson Orin Nano Developer Kit"
PACKAGES = """Package: libnvinfer-bin
Version: 9.9.9

Package: libnvinfer10
Status: install ok installed
Priority: optional
Version: 10.3.0.30-1+cuda12.5

Package: libother
Version: 1.2.3
"""
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
BASE = sys.base_prefix.lstrip("/")
TENSORRT = f"{BASE}/lib/{PYTHON}/dist-packages/tensorrt/__init__.py"
OPENCV = f"{BASE}/lib/python3/dist-packages/cv2.py"
HEADERS = (f"{BASE}/include/{PYTHON}/Python.h", "usr/local/cuda/include/cuda.h", "usr/local/cuda/include/cudaProfiler.h")
NVCC = "usr/local/cuda/bin/nvcc"


def jetson(root: Path, release: str = "R36 (release), REVISION: 4.3, GCID: 38968081") -> Path:
    for path, text in (
        ("proc/device-tree/model", f"{ORIN}\0"),
        ("proc/meminfo", "MemTotal:        7802712 kB\nMemFree: 1 kB\n"),
        ("etc/nv_tegra_release", f"# {release}, BOARD: generic\n"),
        ("var/lib/dpkg/status", PACKAGES),
        *((path, "") for path in (TENSORRT, OPENCV, *HEADERS)),
        (NVCC, "#!/bin/sh\n"),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / NVCC).chmod(0o755)
    return root
