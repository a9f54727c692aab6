"""The TensorRT of this machine: 8.5 (JetPack 5.1) to 11 have what is used here, but for what this file tells apart."""

from __future__ import annotations

import re
from typing import Any

from edge.engines import EngineError

OLDEST, STRONG_FROM, EXPLICIT_UNTIL = (8, 5), (10, 12), (10, 0)
"""Weak typing is deprecated from 10.12 on and gone in 11; networks had to be told explicit before 10."""


def tensorrt() -> Any:
    """The module. Raises EngineError where there is none, or one too old."""
    try:
        import tensorrt
    except ImportError as error:
        raise EngineError(
            f"TensorRT cannot be imported ({error}): on a Jetson, apt-get install python3-libnvinfer and make the venv with "
            "--system-site-packages; without a GPU, set engine: onnx"
        ) from error
    if version(tensorrt) < OLDEST:
        raise EngineError(f"TensorRT is {tensorrt.__version__}, expected 8.5 or newer: JetPack 5.1 brings it")
    return tensorrt


def version(trt: Any) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", trt.__version__)
    if not found:
        raise EngineError(f"TensorRT calls itself {trt.__version__!r}, expected a version such as 10.3.0")
    return int(found[1]), int(found[2])


def strongly_typed(trt: Any) -> bool:
    """Whether a graph's own types decide the precision (Q/DQ and fp16 are in the file), not the builder's flags."""
    return version(trt) >= STRONG_FROM


def network_flags(trt: Any) -> int:
    """The creation flags of a network whose batch is a dimension like others."""
    if strongly_typed(trt):
        return 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    if version(trt) < EXPLICIT_UNTIL:
        return 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
    return 0


class Log:
    """What TensorRT says: its errors are kept, for the message of the exception that they lead to."""

    def __init__(self, trt: Any) -> None:
        self.errors: list[str] = []
        severity = trt.ILogger.Severity

        def log(logger: Any, level: Any, text: str) -> None:
            if level in (severity.ERROR, severity.INTERNAL_ERROR):
                self.errors.append(text)

        def start(logger: Any) -> None:
            trt.ILogger.__init__(logger)  # the bindings refuse an object whose own constructor was not called

        self.logger = type("KerbsideLogger", (trt.ILogger,), {"__init__": start, "log": log})()

    def why(self) -> str:
        """The last errors, and forget them."""
        said, self.errors = "; ".join(self.errors[-3:]), []
        return said or "TensorRT gave no reason"
