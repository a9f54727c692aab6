"""A folder as Triton reads it: <name>/config.pbtxt, <name>/<version>/ with the model and the contract that it was exported from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort

from alpr import contract as contracts
from alpr.contract import Contract, ContractError
from edge.engines import EngineError
from edge.engines.onnx import OnnxEngine
from edge.engines.triton.served import Shape, hash_key, input_dims, name_of, version_of
from tools.export_triton.config import LABELS, LATTICE, Serving, character_labels, config_pbtxt

CONTRACT = "contract.yaml"
MODEL = {"onnxruntime_onnx": "model.onnx", "tensorrt_plan": "model.plan", "python": "model.onnx"}


def export(path: Path, folder: Path, serving: Serving, plans: Path | None = None) -> Path:
    """Add a model to a repository beside its other versions → its folder there.

    Raises ContractError or EngineError where the model is not what its contract says, or a plan is missing; nothing is written then.
    """
    contract = contracts.load(path)
    outputs = output_shapes(contract, batches=serving.largest_batch > 1)
    source = contract.path if serving.platform != "tensorrt_plan" else plan_of(contract, plans, serving.largest_batch)
    home = folder / name_of(contract)
    _write_version(home / version_of(contract), path, source, serving.platform)
    if contract.alphabet:
        _write(home / LABELS, character_labels(contract.alphabet, outputs[LATTICE]))
    parameters = {"threads": str(serving.threads), **dict(_hashes(home))}
    _write(home / "config.pbtxt", config_pbtxt(contract, outputs, serving, parameters))  # last: without it Triton sees no model
    return home


def output_shapes(contract: Contract, batches: bool) -> dict[str, Shape]:
    """Each output's shape without the batch, -1 for free sides, once the graph has run on every size that the contract names.

    Raises EngineError.
    """
    engine = OnnxEngine(contract, precision="fp32")  # what is served is the contract's own file
    for size_px in (contract.input.size_px, *contract.input.other_sizes_px):
        count = 2 if batches else 1
        try:
            found = engine(np.zeros((count, 3, *size_px), np.float32))
        except Exception as error:  # onnxruntime has no base class of its own
            raise EngineError(f"{contract.path}: does not run on {count} pictures of {size_px}, as its contract says: {error}") from error
        if any(len(output) != count for output in found.values()):
            raise EngineError(f"{contract.path}: its outputs do not count the pictures of a batch first: export it with a free batch")
    graph = ort.InferenceSession(str(contract.path), providers=["CPUExecutionProvider"])
    _check_input(contract, tuple(_dims(graph.get_inputs()[0].shape)))
    return {item.name: tuple(_dims(item.shape)) for item in graph.get_outputs()}


def plan_of(contract: Contract, plans: Path | None, largest_batch: int) -> Path:
    """The TensorRT engine of a model, built beforehand on the server's GPU. Raises EngineError with how to build it."""
    path = (plans or contract.path.parent) / f"{contract.path.stem}.plan"
    if not path.is_file():
        spec = contract.input
        sizes = sorted([spec.size_px, *spec.other_sizes_px] + ([(spec.multiple_px, spec.multiple_px)] if spec.multiple_px > 1 else []))
        least, most = (min(size[0] for size in sizes), min(size[1] for size in sizes)), tuple(map(max, zip(*sizes, strict=True)))
        shapes = " ".join(
            f"--{which}Shapes={spec.name}:{count}x3x{height}x{width}"
            for which, count, (height, width) in (("min", 1, least), ("opt", 1, spec.size_px), ("max", largest_batch, most))
        )
        raise EngineError(
            f"{path}: not there; a plan runs on the kind of GPU that it was built on alone, so build it on the server: "
            f"trtexec --onnx={contract.path} {shapes} --saveEngine={path}, then name its folder with --plans"
        )
    return path


def _write_version(home: Path, contract: Path, model: Path, platform: str) -> None:
    """A version's folder is there whole or not at all: a server that polls the repository loads what it sees."""
    draft = home.parent / f".{home.parent.name}.{home.name}.{os.getpid()}"
    draft.mkdir(parents=True)
    try:
        shutil.copyfile(contract, draft / CONTRACT)
        shutil.copyfile(model, draft / MODEL[platform])
        if platform == "python":
            shutil.copyfile(Path(__file__).with_name("model.py"), draft / "model.py")
        shutil.rmtree(home, ignore_errors=True)
        draft.replace(home)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _hashes(home: Path) -> Iterator[tuple[str, str]]:
    """The sha256 of every version that lies there, from the contracts beside them."""
    for path in sorted(home.glob(f"*/{CONTRACT}")):
        yield hash_key(path.parent.name), contracts.load(path, verify=False).sha256


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _check_input(contract: Contract, found: Shape) -> None:
    if found != input_dims(contract):
        wanted = input_dims(contract)
        raise ContractError(f"{contract.path}: its graph takes {found}, its contract says {wanted} (-1: any): export both together")


def _dims(shape: list[int | str | None]) -> Iterator[int]:
    """onnxruntime's shape without the batch; a side with a name or none is free."""
    yield from (side if isinstance(side, int) else -1 for side in shape[1:])
