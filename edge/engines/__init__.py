"""One protocol for every runtime: tensors in by position, named tensors out, on shapes that the contract allows."""

from __future__ import annotations

from typing import Protocol

from alpr.contract import Contract
from alpr.types import F32


class EngineError(RuntimeError):
    """A model that its runtime cannot load or run; the message says which and why."""


class Engine(Protocol):
    """A loaded model. Not for several threads at once: every stage owns its engine."""

    contract: Contract

    def __call__(self, tensor: F32) -> dict[str, F32]:
        """One batch (n, 3, h, w) float32 → the contract's outputs by name."""
        ...

    def close(self) -> None:
        """Give back what the runtime holds; idempotent."""
        ...
