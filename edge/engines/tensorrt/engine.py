"""A model in TensorRT behind the protocol of all engines: tensors from the host, outputs to the host."""

from __future__ import annotations

import numpy as np

from alpr.types import F32, Tensor
from edge.engines.tensorrt.batch import chunks
from edge.engines.tensorrt.capture import Replay
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.recipe import Shape
from edge.engines.tensorrt.session import Session


class TensorRtEngine:
    """For what is not worth its own kernels, and to compare with other engines; a graph a shape, made when it is first seen."""

    def __init__(self, gpu: Gpu, session: Session) -> None:
        self.contract = session.contract
        self._gpu, self._session = gpu, session
        self._staged: F32 | None = None
        self._replays: dict[Shape, Replay] = {}

    def __call__(self, tensor: Tensor) -> dict[str, F32]:
        count, size = len(tensor), (tensor.shape[2], tensor.shape[3])
        most = self._session.shape_for(count, size)[0]
        with self._gpu.current(f"running {self.contract.name}"):
            parts = [self._run(tensor[chunk.start : chunk.stop], size) for chunk in chunks(count, most)]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.contract.outputs}

    def close(self) -> None:
        self._session.close()

    def _run(self, tensor: Tensor, size_px: tuple[int, int]) -> dict[str, F32]:
        shape = self._session.shape_for(len(tensor), size_px)
        staged = self._stage()
        staged[: tensor.size] = tensor.ravel()
        staged[tensor.size : int(np.prod(shape))] = 0
        if shape not in self._replays:
            self._replays[shape] = self._session.replay(shape, lambda: self._work(shape))
        self._replays[shape]()
        self._session.stream.synchronize()
        return {name: values[: len(tensor)].copy() for name, values in self._session.read(shape).items()}

    def _stage(self) -> F32:
        """Page-locked room for the largest input, made when it is first needed."""
        if self._staged is None:
            most = max(int(np.prod(shape)) for shape in self._session.shapes)
            self._staged = self._gpu.cuda.pagelocked_zeros(most, np.float32)
        return self._staged

    def _work(self, shape: Shape) -> None:
        session, cuda = self._session, self._gpu.cuda
        cuda.memcpy_htod_async(session.input, self._stage()[: int(np.prod(shape))], session.stream)
        session.enqueue(shape)
        if session.results is not None:
            session.results.download(session.stream, session.nbytes(shape))
