"""How long an engine takes on this GPU, by the GPU's own clock."""

from __future__ import annotations

from typing import Any

import numpy as np

from alpr.contract import Contract
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.session import Session

RUNS, WARM_UP = 60, 10


def milliseconds(trt: Any, gpu: Gpu, contract: Contract, plan: bytes) -> dict[str, float]:
    """Median of one run of each shape, "1x3x64x128" → ms. Raises EngineError."""
    with gpu.current(f"timing {contract.name}"):
        session = Session(gpu, trt, contract, plan)
        try:
            return {"x".join(map(str, shape)): round(_median(gpu, session, shape), 4) for shape in session.shapes}
        finally:
            session.close()


def _median(gpu: Gpu, session: Session, shape: Any) -> float:
    replay = session.replay(shape, lambda: session.enqueue(shape))
    taken = [_one(gpu, session, replay) for _ in range(WARM_UP + RUNS)]
    return float(np.median(taken[WARM_UP:]))


def _one(gpu: Gpu, session: Session, run: Any) -> float:
    before, after = gpu.cuda.Event(), gpu.cuda.Event()
    before.record(session.stream)
    run()
    after.record(session.stream)
    after.synchronize()
    return float(after.time_since(before))
