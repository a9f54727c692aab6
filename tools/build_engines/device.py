"""What this machine's GPU and TensorRT are, in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edge.engines.tensorrt.bindings import Log, strongly_typed
from edge.engines.tensorrt.gpu import Gpu


def describe(trt: Any, gpu: Gpu) -> Iterator[str]:
    free, total = (size >> 20 for size in gpu.cuda.mem_get_info())
    yield f"GPU       {gpu.name}{', shares its memory with the processor' if gpu.integrated else ''}"
    yield f"memory    {free} of {total} MB free"
    typing = "strongly typed: the graphs hold the precision" if strongly_typed(trt) else "weakly typed: flags choose the precision"
    yield f"TensorRT  {trt.__version__}, {typing}"
    yield f"DLA       {trt.Builder(Log(trt).logger).num_DLA_cores} cores"
    yield f"graphs    {'libcuda captures them' if gpu.driver else 'none: plain enqueueing'}"
