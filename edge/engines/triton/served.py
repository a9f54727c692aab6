"""What a model is called on a Triton server, and what it looks like there: written by tools.export_triton, checked by the engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from alpr.contract import Contract, ContractError
from edge.engines import EngineError

NAMES = {"detection": "detection", "sr": "super_resolution", "ocr": "ocr"}
"""Kind of model → its name in the repository."""
EXPORT = "python -m tools.export_triton"
Shape = tuple[int, ...]


def name_of(contract: Contract) -> str:
    """Raises ContractError for a model that no server is asked for: corners are found on the unit's processor with every engine."""
    if contract.kind not in NAMES:
        raise ContractError(f"{contract.path}: is of kind {contract.kind}, which a unit runs itself; expected one of {', '.join(NAMES)}")
    return NAMES[contract.kind]


def version_of(contract: Contract) -> str:
    """0.1.0 → "1000", 2.0.13 → "2000013": Triton counts versions in whole numbers from 1. Raises ContractError."""
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})", contract.version)
    number = sum(int(part) * 1000**place for part, place in zip(found.groups(), (2, 1, 0), strict=True)) if found else 0
    if not number:
        raise ContractError(f"{contract.name}: version is {contract.version!r}, expected three numbers under 1000 such as 0.1.0")
    return str(number)


def hash_key(version: str) -> str:
    """The parameter of a served model that holds a version's sha256."""
    return f"sha256_{version}"


def input_dims(contract: Contract) -> Shape:
    """(3, h, w), -1 for a side that may change; the batch is not counted."""
    spec = contract.input
    free = spec.multiple_px > 1 or bool(spec.other_sizes_px)
    return (3, -1, -1) if free else (3, *spec.size_px)


def batch_of(config: Mapping[str, Any], contract: Contract) -> int:
    """The largest batch of a model that a server serves, once it has been found to be the contract's. Raises EngineError."""
    where = f"{name_of(contract)} {version_of(contract)} on the server"
    inputs = [(item["name"], item["data_type"], dims(item)) for item in config["input"]]
    expected = [(contract.input.name, "TYPE_FP32", input_dims(contract))]
    if inputs != expected:
        raise EngineError(f"{where}: has inputs {inputs}, {contract.name}'s contract says {expected}: {EXPORT} writes it as it should be")
    outputs = sorted((item["name"], item["data_type"]) for item in config["output"])
    if outputs != sorted((name, "TYPE_FP32") for name in contract.outputs):
        raise EngineError(f"{where}: has outputs {outputs}, {contract.name}'s contract says {contract.outputs}, float32: {EXPORT}")
    found = config.get("parameters", {}).get(hash_key(version_of(contract)), {}).get("string_value")
    if found != contract.sha256:
        raise EngineError(
            f"{where}: was exported from a model with sha256 {(found or 'unknown')[:16]}, the contract here says {contract.sha256[:16]}: "
            f"another release lies there under this version; {EXPORT} from the models that this unit has, and reload the server"
        )
    largest = int(config.get("max_batch_size", 0))
    if largest < 1:
        raise EngineError(f"{where}: takes no batches, expected max_batch_size of 1 or more: {EXPORT} writes it")
    return largest


def shape_of(config: Mapping[str, Any], output: str) -> Shape:
    """An output's shape without the batch as the model itself has it, -1: any. Triton wants a side at least: (n,) is served as (n, 1)."""
    item = next(each for each in config["output"] if each["name"] == output)
    return tuple(int(side) for side in item["reshape"].get("shape", ())) if "reshape" in item else dims(item)


def dims(item: Mapping[str, Any]) -> Shape:
    return tuple(int(side) for side in item["dims"])  # gRPC's JSON writes whole numbers of 64 bits as text
