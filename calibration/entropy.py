"""The legacy route for the same set: TensorRT's own entropy calibrator, where the running TensorRT still has it (8.5 to 10; DLA wants it).

Deprecated in 10.1, gone in 11, and rougher than Q/DQ: layers cannot be told apart. tensorrt and pycuda are imported here, and within
functions, so that the rest of the room runs without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from alpr.contract import Contract
from alpr.types import F32

CLASS = "IInt8EntropyCalibrator2"
Upload = Callable[[F32], int]
"""Puts a batch on the device → its address, good until the next call."""


class EntropyError(RuntimeError):
    """This TensorRT cannot calibrate, or did not; the message says what to do instead."""


def installed() -> ModuleType:
    """The TensorRT of this machine. Raises EntropyError where it has no such calibrator."""
    try:
        import tensorrt
    except ImportError as error:
        raise EntropyError(f"TensorRT cannot be imported ({error}); Q/DQ files need none: python -m calibration quantise") from error
    return able(tensorrt)


def able(trt: ModuleType) -> ModuleType:
    if not hasattr(trt, CLASS):
        raise EntropyError(f"TensorRT {trt.__version__} has no {CLASS}: build from the Q/DQ files, python -m calibration quantise")
    return trt


def cache_path(folder: Path, contract: Contract, digest: str) -> Path:
    """A cache's name holds the model's hash and the set's: one of another model or set is another file."""
    return folder / f"{contract.name}-{contract.sha256[:12]}-{digest[:12]}.calibration"


def calibrator(trt: ModuleType, batches: Iterable[F32], cache: Path, upload: Upload) -> Any:
    """An object of the class that TensorRT asks for batches of one size, and for its cache, which is read before any batch."""
    waiting: Iterator[F32] = iter(batches)
    first = next(waiting, None)
    if first is None:
        raise EntropyError("the calibration set is empty: draw one with python -m calibration select")

    class Calibrator(getattr(trt, CLASS)):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.ready: F32 | None = first

        def get_batch_size(self) -> int:
            return int(first.shape[0])

        def get_batch(self, names: list[str]) -> list[int] | None:
            batch, self.ready = self.ready, next((each for each in waiting if each.shape == first.shape), None)
            return None if batch is None else [upload(batch)]

        def read_calibration_cache(self) -> bytes | None:
            return cache.read_bytes() if cache.is_file() else None

        def write_calibration_cache(self, table: Any) -> None:
            cache.parent.mkdir(parents=True, exist_ok=True)
            draft = cache.with_suffix(".draft")
            draft.write_bytes(bytes(table))
            draft.replace(cache)

    return Calibrator()


def calibrate(trt: ModuleType, contract: Contract, batches: list[F32], cache: Path, upload: Upload) -> Path:
    """Let TensorRT build once with the calibrator, for the cache that it leaves. Takes minutes. Raises EntropyError."""
    log = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(log)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, log)
    if not parser.parse(contract.path.read_bytes()):
        raise EntropyError(f"{contract.path}: TensorRT does not parse it: {parser.get_error(0)}")
    config, profile = builder.create_builder_config(), builder.create_optimization_profile()
    profile.set_shape(contract.input.name, *[batches[0].shape] * 3)
    config.add_optimization_profile(profile)
    config.set_calibration_profile(profile)
    config.set_flag(trt.BuilderFlag.INT8)
    config.int8_calibrator = calibrator(trt, batches, cache, upload)
    if builder.build_serialized_network(network, config) is None or not cache.is_file():
        raise EntropyError(f"{contract.path}: TensorRT left no calibration cache; its messages above say why")
    return cache


def device_upload() -> Upload:
    """Batches through one buffer on the GPU, which grows as it must. Needs a GPU and pycuda."""
    import pycuda.autoprimaryctx  # noqa: F401  (makes the context that TensorRT shares)
    import pycuda.driver as cuda

    held: dict[str, Any] = {}

    def upload(batch: F32) -> int:
        if batch.nbytes > held.get("bytes", 0):
            held.update(memory=cuda.mem_alloc(batch.nbytes), bytes=batch.nbytes)
        cuda.memcpy_htod(held["memory"], batch)
        return int(held["memory"])

    return upload
