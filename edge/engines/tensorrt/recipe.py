"""What an engine is built from. Two equal recipes may share an engine, no others may."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from alpr.contract import Contract, ContractError, variant
from edge.engines import EngineError
from edge.engines.tensorrt.bindings import strongly_typed

PRECISIONS = ("fp32", "fp16", "int8")
VARIANTS = {  # of a contract, by precision: where a graph's own types decide (strong), and where flags do
    True: {"fp32": None, "fp16": "fp16", "int8": "int8-fp16"},
    False: {"fp32": None, "fp16": None, "int8": "int8"},
}
BATCHES = {"detection": (1, 2, 4), "sr": (1, 2, 4, 8), "ocr": (1, 2, 4, 8, 16)}
CANVASES_PX = ((384, 640), (480, 640))
"""The detector's canvases of 16:9 and 4:3 pictures, (h, w)."""

Shape = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Recipe:
    """An engine's ingredients, all plain values: they are stored beside it."""

    model: str
    precision: str
    typing: str  # "strong" | "weak"
    graph: str  # file, from the contract's folder
    graph_sha256: str
    shapes: tuple[Shape, ...]  # (n, 3, h, w), a profile each
    dla: bool
    tensorrt: str
    gpu: str

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def differences(self, other: dict[str, Any]) -> list[str]:
        """What another recipe, as it was stored, has otherwise; in words."""
        mine = json.loads(json.dumps(asdict(self)))
        return [
            f"{each.name} is {_short(other.get(each.name))}, expected {_short(mine[each.name])}"
            for each in fields(self)
            if mine[each.name] != other.get(each.name)
        ]


def recipe(
    trt: Any, gpu: str, contract: Contract, precision: str, canvases_px: Sequence[tuple[int, int]] = CANVASES_PX, dla: bool = False
) -> Recipe:
    """What a model's engine is to be built from here. Raises EngineError where the graph of that precision is not there."""
    strong = strongly_typed(trt)
    found = graph(contract, precision, strong)
    return Recipe(
        model=contract.name,
        precision=precision,
        typing="strong" if strong else "weak",
        graph=str(found.path.relative_to(contract.path.parent)),
        graph_sha256=found.sha256,
        shapes=shapes(contract, canvases_px),
        dla=dla,
        tensorrt=trt.__version__,
        gpu=gpu,
    )


def graph(contract: Contract, precision: str, strong: bool) -> Contract:
    """The contract of the file that an engine of this precision is built from. Raises EngineError where there is none, or a damaged one."""
    name = VARIANTS[strong][precision]
    try:
        return variant(contract, name) if name else contract
    except ContractError as error:
        raise EngineError(f"{contract.name}: {precision} cannot be built: {error}") from error


def shapes(contract: Contract, canvases_px: Sequence[tuple[int, int]] = CANVASES_PX) -> tuple[Shape, ...]:
    """The shapes that a model runs on. Each is a profile of its own: a context then never changes its shape, as graphs need it,
    and TensorRT 8 lets no two contexts share a profile."""
    dynamic = contract.input.multiple_px > 1
    sizes = canvases_px if dynamic else (contract.input.size_px, *contract.input.other_sizes_px)
    return tuple((batch, 3, *size) for size in sizes for batch in BATCHES[contract.kind])


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 48 else f"{text[:12]}…"
