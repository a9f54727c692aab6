"""How fast the whole unit is: its own threads on a source, without a broker; frames, stages, drops, processor, memory, heat."""

from __future__ import annotations

import csv
import os
import platform
import resource
import tempfile
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from alpr.metrics import percentiles
from edge import status
from edge.config import load
from edge.unit import Unit
from tools.bench import conditions


def measure(config: Path, source: str, seconds: float) -> dict[str, Any]:
    """Run the unit on a source, again and again for so long, after one second of warm-up that does not count."""
    with tempfile.TemporaryDirectory(prefix="kerbside-") as folder:
        camera = {"id": "bench", "source": source, "loop": "://" not in source and not source.startswith("/dev/")}
        overrides = {"cameras": [camera], "outbox.path": f"{folder}/outbox.db", "mqtt": {"host": "127.0.0.1", "port": 1}}
        stop = threading.Event()
        unit = Unit(load(config, overrides), np.random.default_rng(0), stop)
        try:
            unit.pipeline.start()  # and not the publisher: events stay in the outbox
            _pass_time(unit, 1.0)
            _reset(unit)
            before = os.times(), time.perf_counter()
            _pass_time(unit, seconds)
            after = os.times(), time.perf_counter()
            return _report(unit, source, before, after)
        finally:
            stop.set()
            unit.close()


def table(found: Mapping[str, Any]) -> str:
    """The report for a person."""
    lines = [
        f"{found['source']}: {found['fps']:.1f} FPS over {found['seconds']:.1f} s ({found['frames']} frames, {found['drops']} dropped)",
        f"processor {found['cpu_cores']:.2f} of {found['cores']} cores, {found['memory_mb']:.0f} MB at most, {found['machine']}",
        f"{'':18}{'p50':>9}{'p95':>9}{'p99':>9}   ms",
    ]
    lines += [f"{name:18}{at['p50']:9.2f}{at['p95']:9.2f}{at['p99']:9.2f}" for name, at in found["stages_ms"].items()]
    lines += [f"{name}: {value:.1f} °C" for name, value in found["temperatures_c"].items()]
    return "\n".join(lines)


def append_csv(path: Path, found: Mapping[str, Any]) -> None:
    """A row of a results file; nested values by dotted names."""
    row = dict(_flat(found))
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def _pass_time(unit: Unit, seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until and not unit.pipeline.wait(0.05):
        pass


def _reset(unit: Unit) -> None:
    for timing in (unit.capture, *unit.pipeline.timings.values()):
        timing.recent_ms.clear()
    unit.loop.counts.clear()


def _report(unit: Unit, source: str, before: tuple[Any, float], after: tuple[Any, float]) -> dict[str, Any]:
    took = after[1] - before[1]
    frames = unit.loop.counts["frames"]
    stages = {"decode": unit.capture, **unit.pipeline.timings}
    return {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "source": Path(source).name if "://" not in source else source.partition("://")[0],
        "seconds": round(took, 2),
        "frames": frames,
        "fps": round(frames / took, 2),
        "drops": sum(unit.slots.dropped.values()),
        "plates_a_frame": round(unit.loop.counts["plates"] / max(1, frames), 2),
        "read": unit.loop.counts["read"] + unit.loop.counts["enhance"],
        "enhanced": unit.loop.counts["enhance"],
        "cpu_cores": round((after[0].user + after[0].system - before[0].user - before[0].system) / took, 2),
        "cores": os.cpu_count(),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "stages_ms": {name: _rounded(percentiles(timing.recent_ms)) for name, timing in stages.items() if timing.recent_ms},
        "engine": conditions.engine(unit.config),
        "machine": f"{platform.machine()} {_processor()}, Python {platform.python_version()}",
        "temperatures_c": status.temperatures(),
    }


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in values.items()}


def _processor() -> str:
    """The processor's name from /proc/cpuinfo, or the board's from the device tree (a Jetson)."""
    board = Path("/proc/device-tree/model")
    if board.exists():
        return board.read_text(errors="replace").strip("\0 \n")
    lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())


def _flat(values: Mapping[str, Any], above: str = "") -> Any:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
