"""onnxruntime on the CPU: the default engine, and the reference that every other one is compared with."""

from __future__ import annotations

import onnxruntime as ort

from alpr.contract import Contract
from alpr.types import F32
from edge.engines import EngineError


class OnnxEngine:
    """A model in onnxruntime, on `threads` threads."""

    def __init__(self, contract: Contract, threads: int = 1) -> None:
        """Raises EngineError where onnxruntime refuses the file, or its inputs and outputs are not the contract's."""
        self.contract = contract
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # spinning idle threads would take the cores that the decoder and the other stages need
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(str(contract.path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no base class of its own
            raise EngineError(f"{contract.path}: onnxruntime cannot load it: {error}") from error
        found = [item.name for item in self._session.get_inputs()], [item.name for item in self._session.get_outputs()]
        expected = [contract.input.name], list(contract.outputs)
        if found != expected:
            raise EngineError(f"{contract.path}: has inputs and outputs {found}, its contract says {expected}: export both together")

    def __call__(self, tensor: F32) -> dict[str, F32]:
        outputs = self._session.run(list(self.contract.outputs), {self.contract.input.name: tensor})
        return dict(zip(self.contract.outputs, outputs, strict=True))

    def close(self) -> None:
        """Nothing to give back: the session goes with the object."""
