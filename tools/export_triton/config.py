"""config.pbtxt: what Triton is told about a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alpr.contract import Contract
from edge.engines.triton.served import Shape, input_dims, name_of

PLATFORMS = ("onnxruntime_onnx", "tensorrt_plan", "python")
LATTICE = "probabilities"
LABELS = "characters.txt"


@dataclass(frozen=True, slots=True)
class Serving:
    """How a model is served."""

    platform: str = "onnxruntime_onnx"
    largest_batch: int = 16
    threads: int = 1  # of onnxruntime, in the platform python


def config_pbtxt(contract: Contract, outputs: Mapping[str, Shape], serving: Serving, parameters: Mapping[str, str]) -> str:
    """The text of config.pbtxt; `outputs` are shapes without the batch."""
    sections = [
        f"# From the contract of {contract.name} {contract.version} by tools.export_triton: export again instead of editing.",
        f"name: {_text(name_of(contract))}",
        'backend: "python"' if serving.platform == "python" else f"platform: {_text(serving.platform)}",
        f"max_batch_size: {serving.largest_batch}",
        f"input {{ name: {_text(contract.input.name)} data_type: TYPE_FP32 dims: {list(input_dims(contract))} }}",
        *(_output(name, shape) for name, shape in outputs.items()),
        "# what several units ask at the same time is one batch; nobody waits for others to ask",
        "dynamic_batching { }",
        "# units of the last release and of the next ask for theirs by number",
        "version_policy { all { } }",
        *(f"instance_group {{ count: 1 kind: {kind} }}" for kind in _kinds(serving.platform)),
        *(f"parameters {{ key: {_text(key)} value {{ string_value: {_text(value)} }} }}" for key, value in parameters.items()),
    ]
    return "\n".join(sections) + "\n"


def character_labels(alphabet: str, lattice: Shape) -> str:
    """A label a line for the reader's (positions, characters) lattice, row by row: 1=0 … 1=Z, "1=" for no character, 2=0 …

    Triton then answers "which are the likeliest" with them.
    """
    return "".join(f"{position + 1}={character}\n" for position in range(lattice[0]) for character in (*alphabet, ""))


def _output(name: str, shape: Shape) -> str:
    form = f"dims: {list(shape)}" if shape else "dims: [1] reshape { shape: [] }"
    labels = f" label_filename: {_text(LABELS)}" if name == LATTICE else ""
    return f"output {{ name: {_text(name)} data_type: TYPE_FP32 {form}{labels} }}"


def _kinds(platform: str) -> Sequence[str]:
    """Where it must run; onnxruntime goes to a GPU where there is one and to the CPU otherwise, which is Triton's own default."""
    return {"python": ["KIND_CPU"], "tensorrt_plan": ["KIND_GPU"]}.get(platform, [])


def _text(value: str) -> str:
    return json.dumps(value)
