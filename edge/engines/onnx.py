"""onnxruntime on the CPU: the default engine, and the reference that every other one is compared with."""

from __future__ import annotations

import re
from pathlib import Path

import onnxruntime as ort

from alpr import contract as contracts
from alpr.contract import Contract
from alpr.types import F32, Tensor
from edge.engines import EngineError

INT8_FILE = "cpu-int8"
PROCESSOR = Path("/proc/cpuinfo")
DOT_PRODUCTS = re.compile(r"\b(avx512_vnni|avx_vnni|asimddp)\b")
"""Processors that sum INT8 products in 32 bits. Older x86 ones saturate at 16, which gives other numbers than the gate has seen."""


class OnnxEngine:
    """A model in onnxruntime, on `threads` threads."""

    def __init__(self, contract: Contract, threads: int = 1, precision: str = "auto", processor: Path = PROCESSOR) -> None:
        """`precision`: auto, fp32 or int8, see `chosen`.

        Raises EngineError where onnxruntime refuses the file, or its inputs and outputs are not the contract's; ContractError where
        the file of that precision is not there or not the contract's.
        """
        contract = self.contract = chosen(contract, precision, processor)
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

    def __call__(self, tensor: Tensor) -> dict[str, F32]:
        outputs = self._session.run(list(self.contract.outputs), {self.contract.input.name: tensor})
        return dict(zip(self.contract.outputs, outputs, strict=True))

    def close(self) -> None:
        """Nothing to give back: the session goes with the object."""


def chosen(contract: Contract, precision: str, processor: Path = PROCESSOR) -> Contract:
    """The contract's own file (fp32) or its INT8 one for CPUs; auto: INT8 where it passed the gate and this processor is made for it."""
    passed = INT8_FILE in contract.variants and contract.variants[INT8_FILE].passed
    if precision == "int8" or (precision == "auto" and passed and has_dot_products(processor)):
        return contracts.variant(contract, INT8_FILE)
    return contract


def has_dot_products(processor: Path = PROCESSOR) -> bool:
    """Whether /proc/cpuinfo names instructions for INT8 dot products; not where there is no such file."""
    return processor.is_file() and DOT_PRODUCTS.search(processor.read_text(errors="replace")) is not None
