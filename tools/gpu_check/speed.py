"""How fast the loop is on the GPU: stage by stage in turn (sync), and in threads with several cameras (async)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from alpr.metrics import percentiles
from alpr.types import Frame
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.timeline import covered_ms
from edge.loop import Loop
from edge.pipeline import Pipeline, Stage
from tools.gpu_check.clip import of_camera

WARM_UP = 20
"""Frames that do not count: clocks rise, caches fill."""


def measure(gpu: Gpu, loop_of: Callable[[], Loop], frames: Sequence[Frame], cameras: int) -> dict[str, Any]:
    """Frames a second, a stage's p50 and p95 on the host, and the share of the time in which the GPU worked.

    One camera: each frame through all stages before the next (sync). More: stages in threads, frames of all cameras in turn (async).
    """
    run = _in_turn if cameras == 1 else _threaded
    run(loop_of(), frames[:WARM_UP], 1)
    loop = loop_of()
    with gpu.current("timing the loop"):
        gpu.timeline.begin(gpu.stream())
        started = time.perf_counter()
        stages = run(loop, frames, cameras)
        wall_ms = 1000 * (time.perf_counter() - started)
        gpu.cuda.Context.synchronize()
        spans = gpu.timeline.end()
    busy = covered_ms([span for each in spans.values() for span in each])
    row: dict[str, Any] = {"fps": round(1000 * len(frames) * cameras / wall_ms, 1), "gpu_busy": round(busy / wall_ms, 3)}
    for name in ("detect", "enhance", "read"):
        at = percentiles(stages.get(name, ()), (50, 95)) if stages.get(name) else {"p50": 0.0, "p95": 0.0}
        row |= {f"{name}_p50_ms": round(at["p50"], 3), f"{name}_p95_ms": round(at["p95"], 3)}
    return row


def _in_turn(loop: Loop, frames: Sequence[Frame], cameras: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {stage.name: [] for stage in loop.stages()}
    for frame in frames:
        items: list[Any] = [frame]
        for stage in loop.stages():
            started = time.perf_counter()
            made = [out for item in items for out in stage.work(item)]
            if items:
                taken[stage.name].append(1000 * (time.perf_counter() - started))
            items = made
    return taken


def _threaded(loop: Loop, frames: Sequence[Frame], cameras: int) -> dict[str, list[float]]:
    stop, turns = threading.Event(), _turns(frames, cameras)
    pipeline = Pipeline([], lambda most: list(islice(turns, most)), (*loop.stages(), Stage("drop", lambda event: ())), stop)
    pipeline.start()
    try:
        while not pipeline.wait(0.05):
            pass
        pipeline.check()
        return {name: list(timing.recent_ms) for name, timing in pipeline.timings.items()}
    finally:
        stop.set()
        pipeline.close()


def _turns(frames: Sequence[Frame], cameras: int) -> Iterator[Frame]:
    for frame in frames:
        yield from (of_camera(frame, camera) for camera in range(cameras))
