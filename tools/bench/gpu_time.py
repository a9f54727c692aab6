"""When the GPU worked while a unit ran, by its own events."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from alpr.metrics import percentiles
from edge.engines.tensorrt.timeline import covered_ms
from edge.unit import Unit


@contextmanager
def gpu_time(unit: Unit) -> Iterator[dict[str, Any]]:
    """What each model's runs took by the GPU's own events, known when the context ends; nothing on a processor."""
    gpu, found = getattr(unit.loop, "gpu", None), dict[str, Any]()
    if gpu is None:
        yield found
        return
    with gpu.current("timing the unit"):
        gpu.timeline.begin(gpu.stream())
    started = time.perf_counter()
    yield found
    found["gpu"] = {"name": gpu.name, "arch": gpu.arch, **gpu.limits()}
    found["wall_ms"] = 1000 * (time.perf_counter() - started)
    with gpu.current("timing the unit"):
        gpu.cuda.Context.synchronize()
        found["spans"] = gpu.timeline.end()


def told(found: Mapping[str, Any]) -> dict[str, Any]:
    """The GPU, by model the percentiles of its runs, and the share of the time in which the GPU worked at all."""
    if not found:
        return {}
    runs: dict[str, list[float]] = {}
    for name, spans in found["spans"].items():
        runs.setdefault(name.split()[0], []).extend(end - start for start, end in spans)
    busy_ms = covered_ms([span for spans in found["spans"].values() for span in spans])
    return {
        "gpu": found["gpu"],
        "gpu_ms": {name: rounded(percentiles(took)) for name, took in runs.items()},
        "gpu_busy": round(busy_ms / found["wall_ms"], 3),
    }


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """Microseconds are enough."""
    return {name: round(value, 3) for name, value in values.items()}
