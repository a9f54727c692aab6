"""One process or many: the device, the process's rank, and what a network needs to train with the others.

`python -m training.x …` trains in one process; `torchrun --nproc_per_node 4 -m training.x …` in four, a GPU each where there are
GPUs (NCCL), on the CPU otherwise (gloo). Gradients are averaged by torch's DistributedDataParallel; each rank draws its own samples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True, slots=True)
class Scale:
    """Where this process trains and which of `world` processes it is."""

    device: torch.device
    rank: int = 0
    world: int = 1
    bf16: bool = False

    @property
    def first(self) -> bool:
        """Whether this is the process that reports, evaluates and saves."""
        return self.rank == 0

    def shared(self, net: nn.Module) -> nn.Module:
        """The network as the training calls it: its gradients are those of all processes."""
        return DistributedDataParallel(net) if self.world > 1 else net

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def any(self, flag: bool) -> bool:
        """Whether any process says so: all must leave a loop together, or the others wait for ever."""
        if self.world == 1:
            return flag
        told = torch.tensor(float(flag), device=self.device)
        torch.distributed.all_reduce(told, torch.distributed.ReduceOp.MAX)
        return bool(told)


@contextmanager
def scale(bf16: bool = False) -> Iterator[Scale]:
    """Join the other processes, if torchrun started any, and leave them at the end."""
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if gpu else torch.device("cpu")
    if gpu:
        torch.cuda.set_device(device)
    if world > 1:
        torch.distributed.init_process_group("nccl" if gpu else "gloo")
    try:
        yield Scale(device, rank, world, bf16)
        if world > 1:
            torch.distributed.barrier()  # one that leaves while the first still evaluates breaks the connections of both: seen as SIGABRT
    finally:
        if world > 1:
            torch.distributed.destroy_process_group()
