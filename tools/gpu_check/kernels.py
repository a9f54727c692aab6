"""The kernels on the device against alpr.imaging and alpr.decode, on random frames, boxes and quads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from alpr.imaging import letterbox, picture_from_tensor, rectification, rectify, tensor
from alpr.types import F32, U8
from edge.cuda.layout import CANDIDATE, FITTED, PLATE, Rows, fitted, picture, plate
from edge.engines.tensorrt.gpu import Gpu

LEVEL = 1 / 255
Size = tuple[int, int]


def differences(gpu: Gpu, rng: np.random.Generator, rounds: int = 20) -> Iterator[tuple[str, float]]:
    """Each kernel and how far it is from the host's picture, in gray levels (candidates: in any number)."""
    with gpu.current("comparing kernels"):
        yield "letterbox", max(_letterbox(gpu, rng) for _ in range(rounds))
        yield "plates at their own size", max(_plates(gpu, rng, None) for _ in range(rounds))
        yield "plates, resized", max(_plates(gpu, rng, (64, 128)) for _ in range(rounds))
        yield "pictures", max(_pictures(gpu, rng) for _ in range(rounds))
        yield "candidates", max(_candidates(gpu, rng) for _ in range(rounds))


def _letterbox(gpu: Gpu, rng: np.random.Generator) -> float:
    bgr, size = _noise(rng, int(rng.integers(1, 1100)), int(rng.integers(1, 2000))), (384, 640)
    canvas, fit = letterbox(bgr, size)
    found = _run(gpu, "letterbox", fitted(_up(gpu, bgr), fit)[None].astype(FITTED), size)
    return _levels(found, tensor([canvas], size))


def _plates(gpu: Gpu, rng: np.random.Generator, size: Size | None) -> float:
    bgr = _noise(rng, 270, 480)
    corner, edges = rng.uniform(-20, 400, 2), np.array([[0, 0], [90, 0], [90, 28], [0, 28]]) * rng.uniform(0.3, 3)
    quad = (corner + edges + rng.uniform(-4, 4, (4, 2))).astype(np.float32)
    try:
        wanted = rectify(bgr, quad)
    except ValueError:
        return 0.0  # no plate: the host refuses it before any kernel sees it
    cut = rectification(quad, bgr.shape[:2])
    size = size or cut.size_px
    found = _run(gpu, "plates", plate(_up(gpu, bgr), cut)[None].astype(PLATE), size)
    return _levels(found, tensor([wanted], size))


def _pictures(gpu: Gpu, rng: np.random.Generator) -> float:
    drawn, out = rng.uniform(-0.2, 1.2, (2, 3, 33, 50)).astype(np.float32), gpu.pinned(2 * 3 * 33 * 50)
    stream = gpu.stream()
    gpu.launch("pictures", stream, (50, 33, 2), _bytes_up(gpu, drawn), out.address, 33, 50)
    out.download(stream)
    stream.synchronize()
    wanted = np.array([picture_from_tensor(rgb) for rgb in drawn])
    return float(np.abs(out.host.reshape(wanted.shape).astype(int) - wanted).max())


def _candidates(gpu: Gpu, rng: np.random.Generator) -> float:
    scores, boxes = rng.random(5040, np.float32), np.sort(rng.random((5040, 4), np.float32) * 600, axis=1)
    quads, most, rows = rng.random((5040, 8), np.float32) * 600, 512, gpu.pinned(16 + 512 * CANDIDATE.itemsize)
    stream = gpu.stream()
    inputs = [_bytes_up(gpu, array) for array in (scores, boxes, quads)]
    gpu.launch("candidates", stream, (5040, 1, 1), *inputs, 5040, 0.5, most, rows.address + 16, rows.address)
    rows.download(stream)
    stream.synchronize()
    best = np.argsort(-scores, kind="stable")[:most]
    return float(np.abs(rows.host[16:].view(CANDIDATE)["quad"] - quads[best]).max())


def _run(gpu: Gpu, kernel: str, rows: Rows, size: Size) -> F32:
    out, stream = gpu.pinned(4 * 3 * size[0] * size[1]), gpu.stream()
    gpu.launch(kernel, stream, (size[1], size[0], 1), _bytes_up(gpu, rows), out.address, *size)
    out.download(stream)
    stream.synchronize()
    return out.host.view(np.float32).reshape(1, 3, *size)


def _up(gpu: Gpu, bgr: U8) -> Rows:
    return picture(_bytes_up(gpu, bgr), (bgr.shape[0], bgr.shape[1]))


def _bytes_up(gpu: Gpu, values: np.ndarray) -> int:
    memory, stream = gpu.pinned(values.nbytes), gpu.stream()
    memory.host[:] = np.ascontiguousarray(values).view(np.uint8).ravel()
    memory.upload(stream)
    stream.synchronize()
    return memory.address


def _levels(found: F32, wanted: F32) -> float:
    return round(float(np.abs(found - wanted).max()) / LEVEL, 3)


def _noise(rng: np.random.Generator, height: int, width: int) -> U8:
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
