"""onnxruntime as calibration uses it: one thread, and Q/DQ computed as written where it is the reference for another runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

from alpr.types import F32, Tensor


class Session:
    """A model on the CPU: one batch (n, 3, h, w) float32 → its outputs by name. A file that takes bytes is given them."""

    def __init__(self, model: onnx.ModelProto | Path, as_written: bool = True, threads: int = 1) -> None:
        """`as_written`: no Q/DQ is fused into integer kernels, whose rounding is the processor's; False is how a unit runs it."""
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.disable_quant_qdq", "1" if as_written else "0")
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        source = str(model) if isinstance(model, Path) else model.SerializeToString()
        self._session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self.input = self._session.get_inputs()[0].name
        self._as_bytes = self._session.get_inputs()[0].type == "tensor(uint8)"
        self.outputs = [each.name for each in self._session.get_outputs()]

    def __call__(self, batch: F32) -> dict[str, F32]:
        return self.run(self.fed(batch))

    def fed(self, batch: F32) -> Tensor:
        """A batch as this file takes it."""
        return np.rint(255 * batch).astype(np.uint8) if self._as_bytes else batch

    def run(self, tensor: Tensor) -> dict[str, F32]:
        return dict(zip(self.outputs, self._session.run(None, {self.input: tensor}), strict=True))
