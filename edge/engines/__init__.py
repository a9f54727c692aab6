"""One protocol for every runtime: tensors in by position, named tensors out, on shapes that the contract allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from alpr.contract import Contract
from alpr.imaging import byte_tensor, tensor
from alpr.types import F32, U8, Tensor


class EngineError(RuntimeError):
    """A model that its runtime cannot load or run; the message says which and why."""


class Engine(Protocol):
    """A loaded model. Not for several threads at once: every stage owns its engine."""

    contract: Contract

    def __call__(self, tensor: Tensor) -> dict[str, F32]:
        """One batch (n, 3, h, w), of the kind that the contract's input says → the contract's outputs by name."""
        ...

    def close(self) -> None:
        """Give back what the runtime holds; idempotent."""
        ...


def batch(engine: Engine, pictures: Sequence[U8], size_px: tuple[int, int]) -> Tensor:
    """Pictures, BGR uint8, as this engine takes them."""
    return byte_tensor(pictures, size_px) if engine.contract.input.as_bytes else tensor(pictures, size_px)
