"""edge/cuda's kernels compiled for the host, called with numpy arrays."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np

from alpr.types import F32, U8
from edge.cuda.build import SOURCES
from edge.cuda.layout import CANDIDATE, Rows


def compiled_library(folder: Path) -> Path:
    """A shared library of the kernels, as `host_` and their names."""
    library = folder / "kernels.so"
    flags = ["-std=c++17", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-I{SOURCES}"]
    source = Path(__file__).parent / "host.cpp"
    done = subprocess.run(["g++", *flags, "-o", str(library), str(source)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return library


class HostKernels:
    """The kernels by their names; addresses in the rows are the host's."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))

    def letterbox(self, rows: Rows, size_px: tuple[int, int]) -> F32:
        return self._batch(self._library.host_letterbox, rows, size_px)

    def plates(self, rows: Rows, size_px: tuple[int, int]) -> F32:
        return self._batch(self._library.host_plates, rows, size_px)

    def pictures(self, tensor: F32) -> U8:
        count, _, height, width = tensor.shape
        bgr = np.empty((count, height, width, 3), np.uint8)
        self._library.host_pictures(_pointer(tensor), _pointer(bgr), count, height, width)
        return bgr

    def candidates(self, scores: F32, boxes: F32, quads: F32, threshold: float, most: int) -> tuple[Rows, int]:
        rows, found = np.zeros(most, CANDIDATE), np.zeros(1, np.int32)
        arrays = [_pointer(array) for array in (scores, boxes, quads)]
        self._library.host_candidates(*arrays, len(scores), ctypes.c_float(threshold), most, _pointer(rows), _pointer(found))
        return rows, int(found[0])

    def _batch(self, kernel: object, rows: Rows, size_px: tuple[int, int]) -> F32:
        tensor = np.full((len(rows), 3, *size_px), np.nan, np.float32)
        kernel(_pointer(rows), _pointer(tensor), len(rows), *size_px)  # type: ignore[operator]
        return tensor


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
