"""How much quicker the CPU's INT8 file is than the float one: both in one process, turn by turn, on the same pictures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from alpr import contract as contracts
from alpr.contract import Contract
from alpr.types import F32, Tensor
from calibration.runtime import Session


class Timed(Protocol):
    """A model as `calibration.runtime.Session` has it."""

    def fed(self, batch: F32) -> Tensor: ...

    def run(self, tensor: Tensor) -> object: ...


AT_ONCE = 4
"""Runs of one file before it is the other's turn; the first does not count, for it finds the caches full of the other, as in no unit."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Milliseconds of processor time a batch, one thread; medians over the turns."""

    fp32_ms: float
    int8_ms: float
    turns: int

    @property
    def times(self) -> float:
        return self.fp32_ms / self.int8_ms


def compare(contract: Contract, batches: Sequence[F32], turns: int) -> Ratio:
    """Raises ContractError where the model has no INT8 file for CPUs."""
    files = (contract, contracts.variant(contract, "cpu-int8"))
    return side_by_side([Session(each.path, as_written=False) for each in files], batches, turns)


def side_by_side(sessions: Sequence[Timed], batches: Sequence[F32], turns: int) -> Ratio:
    """The thread's own processor time, so that what else the machine does counts for neither; a few turns to warm up do not count."""
    took: list[list[float]] = [[], []]
    for turn in range(-3, turns):
        for session, times in zip(sessions, took, strict=True):
            tensor = session.fed(batches[turn % len(batches)])  # a unit makes it of its picture at once
            for again in range(AT_ONCE):
                started = time.thread_time()
                session.run(tensor)
                if turn >= 0 and again > 0:
                    times.append(time.thread_time() - started)
    fp32_ms, int8_ms = (1000 * float(np.median(times)) for times in took)
    return Ratio(fp32_ms, int8_ms, turns)
