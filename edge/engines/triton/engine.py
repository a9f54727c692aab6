"""The engine: a model of ours on a Triton server, as if it were here."""

from __future__ import annotations

from typing import cast

import numpy as np

from alpr.contract import Contract
from alpr.types import F32, Tensor
from edge.engines import EngineError
from edge.engines.triton import served
from edge.engines.triton.connection import Connection
from edge.engines.triton.link import Link, ServerAwayError
from edge.engines.triton.server import Server


class TritonEngine:
    """A contract's model on a server: this very release, by name, version and hash."""

    def __init__(self, contract: Contract, server: Server) -> None:
        """Waits for the server, within its bounds.

        Raises EngineError where it is away or does not serve this model as its contract has it, ContractError for a version like no other.
        """
        self.contract = contract
        self._name, self._version = served.name_of(contract), served.version_of(contract)
        self._largest, self._shapes = 1, dict[str, served.Shape]()
        self._connection = Connection(server, self._greet)
        self._connection.ask(lambda link: None, f"the model {self._name}")

    def __call__(self, tensor: Tensor) -> dict[str, F32]:
        """One batch (n, 3, h, w) float32 → the contract's outputs by name; more than the server takes at once in several questions."""
        floats = cast(F32, tensor)  # a server serves the model's own file, and refuses what is anything else
        parts = [self._infer(floats[start : start + self._largest]) for start in range(0, len(floats), self._largest)]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.contract.outputs}

    def close(self) -> None:
        self._connection.close()

    def _infer(self, tensor: F32) -> dict[str, F32]:
        tensors = {self.contract.input.name: np.ascontiguousarray(tensor)}
        what = f"{self._name} of {'x'.join(map(str, tensor.shape))}"
        found = self._connection.ask(lambda link: link.infer(self._name, self._version, tensors, self.contract.outputs), what)
        return {name: self._checked(name, found[name], len(tensor)) for name in self.contract.outputs}

    def _checked(self, name: str, output: F32, count: int) -> F32:
        """An output in the model's own shape. Raises EngineError where the server's is another."""
        shape = (count, *self._shapes[name])
        if len(shape) == 1 and output.shape == (count, 1):
            return output[:, 0]
        if len(output.shape) != len(shape) or any(wanted not in (-1, side) for wanted, side in zip(shape, output.shape, strict=True)):
            raise EngineError(
                f"{self._name}: {name} came as {output.shape}, expected {shape} (-1: any): {served.EXPORT}, and load it again"
            )
        return output

    def _greet(self, link: Link) -> None:
        """Look what the server has. Raises ServerAwayError while it still loads the model, EngineError where that is not the contract's."""
        versions = [each for each in link.models() if each["name"] == self._name]
        state = next((each.get("state", "") for each in versions if each.get("version") == self._version), "")
        if state == "LOADING":
            raise ServerAwayError(f"{self._name} is loading")
        if state != "READY":
            has = "; ".join(" ".join(map(str, each.values())) for each in versions) or f"no {self._name}"
            raise EngineError(
                f"the server has {has}; expected version {self._version} of {self._name} ({self.contract.name} {self.contract.version}), "
                f"ready: {served.EXPORT} into its repository, and load it there"
            )
        config = link.config(self._name, self._version)
        self._largest = served.batch_of(config, self.contract)
        self._shapes = {name: served.shape_of(config, name) for name in self.contract.outputs}
