"""What a release is made of beside its own code, and what of it an environment lacks, in words. Imports nothing of it itself."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Final

CANNOT: Final = "cannot run in this environment"
MODULES: Final = {"": ("numpy", "cv2", "onnxruntime"), "onnx": (), "tensorrt": (), "triton": ("tritonclient.utils",)}
"""Of whatever runs, and by `engine` of the config; TensorRT's and CUDA's are asked for where they may be imported."""
MEND: Final = {
    "cv2": "a JetPack unit's environment sees the system's (apt-get install python3-opencv); elsewhere the release's lock has it",
    "numpy": "the release's lock has it",
    "onnxruntime": "the release's lock has it",
    "tritonclient.utils": "no release's lock has it; the unit's image may",
}


def lacking(engine: str = "") -> list[str]:
    """Each module that cannot be imported, why, and how to mend it: of an engine, or of whatever runs; nothing where all can."""
    return [*_lacking(MODULES[engine]), *(_of_tensorrt() if engine == "tensorrt" else ())]


def _lacking(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        try:
            import_module(name)
        except Exception as error:  # a library that meets another numpy than it was compiled for raises what it likes
            yield f"{name} cannot be imported ({type(error).__name__}: {error}): {MEND[name]}"


def _of_tensorrt() -> Iterator[str]:
    """No GPU is asked for."""
    from edge.engines import EngineError
    from edge.engines.tensorrt import bindings

    try:
        bindings.tensorrt()
    except EngineError as error:
        yield str(error)
    try:
        import_module("pycuda.driver")
    except Exception as error:  # without the driver's library it is an ImportError, and of another numpy whatever that raises
        yield f"pycuda cannot be imported ({type(error).__name__}: {error}): it is compiled on the unit, and wants the driver's libcuda"
