"""How fast the whole unit is on a source, without a broker: frames, stages, drops, processor, memory, GPU, heat, power."""

from __future__ import annotations

import csv
import os
import platform
import resource
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from alpr.metrics import percentiles
from edge import status
from edge.config import load
from edge.unit import Unit
from tools.bench import conditions
from tools.bench.gpu_time import gpu_time, rounded, told
from tools.bench.power import Meter
from tools.bench.running import InTurn, Threads
from tools.bench.ways import Way

AS_CONFIGURED = Way()


def measure(config: Path, source: str, seconds: float, way: Way = AS_CONFIGURED) -> dict[str, Any]:
    """Run the unit on a source, again and again for so long, after one second of warm-up that does not count."""
    with tempfile.TemporaryDirectory(prefix="kerbside-") as folder:
        camera = {"id": "bench", "source": source, "loop": "://" not in source and not source.startswith("/dev/")}
        overrides = {"cameras": [camera], "outbox.path": f"{folder}/outbox.db", "mqtt": {"host": "127.0.0.1", "port": 1}}
        stop, meter = threading.Event(), Meter()
        unit = Unit(load(config, {**overrides, **way.overrides(load(config).engine)}), np.random.default_rng(0), stop)
        pass_time = Threads(unit) if way.threads else InTurn(unit, stop)
        try:
            pass_time(1.0)
            _reset(unit)
            before = os.times(), time.perf_counter()
            with meter.running(), gpu_time(unit) as spans:
                pass_time(seconds)
            after = os.times(), time.perf_counter()
            return {"way": str(way), **_report(unit, source, before, after), **_power(unit, meter, after[1] - before[1]), **told(spans)}
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
    lines += [f"{'GPU ' + name:18}{at['p50']:9.2f}{at['p95']:9.2f}{at['p99']:9.2f}" for name, at in found.get("gpu_ms", {}).items()]
    if "gpu_busy" in found:
        lines.append(f"GPU at work {100 * found['gpu_busy']:.0f} % of the time")
    if "watts" in found:
        reads = f", {found['joules_a_read']:.3f} J a read" if "joules_a_read" in found else ""
        lines.append(f"{found['watts']:.1f} W, {found['joules_a_frame']:.3f} J a frame{reads}")
    lines += [f"{name}: {value:.1f} °C" for name, value in found["temperatures_c"].items()]
    return "\n".join(lines)


def append_csv(path: Path, runs: Sequence[Mapping[str, Any]]) -> None:
    """A row a run in a results file; nested values by dotted names."""
    rows = [dict(_flat(found)) for found in runs]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=columns)
        if new:
            writer.writeheader()
        writer.writerows(rows)


def _power(unit: Unit, meter: Meter, seconds: float) -> dict[str, Any]:
    """Watts, and joules by frame and by read; nothing where no sensor tells."""
    if meter.watts is None:
        return {}
    counts, joules = unit.loop.counts, meter.watts * seconds
    reads = counts["read"] + counts["enhance"]
    each = {"joules_a_frame": joules / max(1, counts["frames"])} | ({"joules_a_read": joules / reads} if reads else {})
    return {"watts": round(meter.watts, 2), **{name: round(value, 4) for name, value in each.items()}}


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
        "stages_ms": {name: rounded(percentiles(timing.recent_ms)) for name, timing in stages.items() if timing.recent_ms},
        "engine": conditions.engine(unit.config),
        "machine": f"{platform.machine()} {_processor()}, Python {platform.python_version()}",
        "temperatures_c": status.temperatures(),
    }


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
