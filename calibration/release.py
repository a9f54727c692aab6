"""From a released float model to its files in other precisions, and what the contract says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import onnx
import yaml

from alpr import contract as contracts
from alpr.contract import Contract
from alpr.types import F32, U8
from calibration import cpu, graph, half, qdq, ranges, sensitivity, work
from calibration.batches import batches
from calibration.evaluation import Judge, Set, score
from calibration.ranges import Histogram
from calibration.runtime import Session
from calibration.sensitivity import BUDGET, Measure, Plan


def judge(contract: Contract, models: Path) -> Judge:
    """What measures a model: LPSR together with the reader of the same folder."""
    if contract.kind != "sr":
        return Judge(contract)
    reader = contracts.load(models / "reader.yaml")
    return Judge(contract, Session(reader.path), reader.input)


def tensors(contract: Contract, pictures: Set) -> Callable[[], Iterable[F32]]:
    """A calibration set as a model's tensors, from the start at every call."""
    seen: list[U8] = [bgr for bgr, _ in (pictures.scenes if contract.kind == "detection" else pictures.crops)]
    return lambda: (batch for _, batch in batches(contract.kind, contract.input, seen))


CPU = "cpu-int8"
CPU_TURNED = 1.0
"""Points of its plates that the CPU's file may turn wrong: what flows between its layers is bytes too, and plates on the edge fall
either way."""
LEAST_SHARE = 0.01
"""Of a model's products: a matrix product with fewer, as a reader's ten queries have, gains no time by INT8 and can only lose."""


def candidates(contract: Contract) -> list[str]:
    """The layers that may be INT8 and are worth it, by name."""
    floats = graph.load(contract.path)
    model = graph.model_of(graph.load(contract.path))
    products = [layer for layer in work.layers(model, (1, 3, *contract.input.size_px)) if layer.name]
    least = LEAST_SHARE * sum(layer.macs for layer in products)
    small = {layer.name for layer in products if layer.macs < least} & {node.name for node in floats.nodes if node.op == "MatMul"}
    return [name for name in graph.candidates(floats, contract.kind) if name not in small]


def observed(contract: Contract, calibration: Set) -> dict[str, Histogram]:
    """The range of every tensor that TensorRT's files may quantise."""
    floats = graph.load(contract.path)
    names = qdq.watched(floats, candidates(contract))
    return ranges.observe(floats, names, tensors(contract, calibration))


def measure(contract: Contract, tuning: Set, judge: Judge) -> Measure:
    """How a run does on the tuning set, and which plates it turns wrong that the model's own file reads."""
    before = judge.outcome(Session(graph.model_of(graph.load(contract.path))), tuning)
    return lambda run: score([judge.outcome(run, tuning)], [before])


def plan(contract: Contract, histograms: Mapping[str, Histogram], measured: Measure) -> Plan:
    """How ranges are taken and which layers are INT8, by what is lost on the tuning set."""
    return sensitivity.make(contract.sha256, graph.load(contract.path), histograms, candidates(contract), measured)


def write(contract: Contract, histograms: Mapping[str, Histogram], plan: Plan, out: Path) -> dict[str, Path]:
    """Write TensorRT's file of every variant → their paths by name."""
    paths = {name: out / f"{contract.path.stem}.{name}.onnx" for name in contracts.VARIANTS if name != CPU}
    reach = ranges.reach(histograms, plan.method)
    floats, typed = graph.load(contract.path), graph.load(contract.path, half.OPSET)
    graphs = {
        "fp16": half.halve(typed),
        "int8": qdq.insert(floats, reach, plan.int8),
        "int8-fp16": half.halve(qdq.insert(typed, reach, plan.int8)),
    }
    for name, each in graphs.items():
        qdq.check(each)
        graph.save(each, paths[name])
    return paths


def write_cpu(contract: Contract, calibration: Set, plan: Plan, measured: Measure, out: Path) -> tuple[Path, tuple[str, ...]]:
    """Write the CPU's file → its path and the layers that stayed in float there, worst first.

    It is of another graph and sees the set itself; with ranges that clip nothing it keeps more than TensorRT's: every candidate, and then
    one less, the plan's worst first, until no more is lost than BUDGET and no more turned wrong than CPU_TURNED.
    """
    path, left, floats = out / f"{contract.path.stem}.{CPU}.onnx", list(plan.by_layer), list[str]()
    for worst in (*sensitivity.worst_first(plan.by_layer)[: len(left) - 1], None):
        cpu.write(graph.load(contract.path), tensors(contract, calibration), left, path)
        found = measured(Session(path, as_written=False))
        if worst is None or (found.lost(plan.fp32) <= BUDGET and 100 * found.turned <= CPU_TURNED):
            break
        left.remove(worst)
        floats.append(worst)
    return path, tuple(floats)


def name_variants(path: Path, files: Mapping[str, Path]) -> None:
    """Write variants into a contract; none of them has passed the gate yet."""
    fields = _read(path)
    fields["variants"] = {name: _variant(file) for name, file in files.items()}
    fields["measured"].pop("gate", None)  # what was measured was measured of other files
    _rewrite(path, fields)


def _variant(file: Path) -> dict[str, Any]:
    kind = onnx.load(str(file)).graph.input[0].type.tensor_type.elem_type
    as_bytes = {"as_bytes": True} if kind == onnx.TensorProto.UINT8 else {}
    return {"file": file.name, "sha256": contracts.sha256_of(file), "passed": False, **as_bytes}


def note_gate(path: Path, found: Mapping[str, Any], passed: Mapping[str, bool]) -> None:
    """Write what the gate measured into a contract, and which variants passed it."""
    fields = _read(path)
    for name, each in passed.items():
        fields["variants"][name]["passed"] = each
    fields["measured"]["gate"] = dict(found)
    _rewrite(path, fields)


def _read(path: Path) -> dict[str, Any]:
    contracts.load(path)  # refuses what is no contract, with words
    fields: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    fields["measured"] = fields["measured"] or {}
    return fields


def _rewrite(path: Path, fields: Mapping[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(yaml.safe_dump(fields, sort_keys=False, allow_unicode=True), encoding="utf-8")
    contracts.load(draft)
    draft.replace(path)
