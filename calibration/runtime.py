"""onnxruntime as calibration uses it: one thread, and Q/DQ computed as written where it is the reference for another runtime."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnxruntime as ort

from alpr.types import F32


class Session:
    """A model on the CPU: one batch (n, 3, h, w) → its outputs by name."""

    def __init__(self, model: onnx.ModelProto | Path, as_written: bool = True, threads: int = 1) -> None:
        """`as_written`: no Q/DQ is fused into integer kernels, whose rounding is the processor's; False is how a unit runs it."""
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.disable_quant_qdq", "1" if as_written else "0")
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        source = str(model) if isinstance(model, Path) else model.SerializeToString()
        self._session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self.input = self._session.get_inputs()[0].name
        self.outputs = [each.name for each in self._session.get_outputs()]

    def __call__(self, batch: F32) -> dict[str, F32]:
        return dict(zip(self.outputs, self._session.run(None, {self.input: batch}), strict=True))
