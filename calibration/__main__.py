"""Quantise the released models, and measure whether they still read.

python -m calibration select      draw the three sets
python -m calibration quantise    choose ranges and layers, write the files, name them in the contracts
python -m calibration gate        measure every file; exit code 1 where one lost too much
python -m calibration speed       the CPU's INT8 file beside the float one
python -m calibration entropy     TensorRT's own calibration cache (TensorRT 8.5 to 10, a GPU)
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from alpr import contract as contracts
from alpr.contract import Contract, ContractError, sha256_of
from calibration import gate, release, select, sensitivity, sets, speed
from calibration.entropy import EntropyError, cache_path, calibrate, device_upload, installed
from calibration.evaluation import Set
from calibration.qdq import QdqError
from calibration.select import SelectError
from calibration.sensitivity import PlanError
from calibration.sets import SetError

MODELS = ("detector", "reader", "lpsr")


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        return args.command(args)
    except (ContractError, SelectError, SetError, PlanError, QdqError, EntropyError) as error:
        print(error, file=sys.stderr)
        return 1


def _select(args: argparse.Namespace) -> int:
    for part in select.PARTS:
        manifest = select.select(part, args.each, args.scenes)
        select.save(manifest, args.sets / f"{part}.json")
        told = "; ".join(f"{key} " + ", ".join(f"{name} {n}" for name, n in by.items()) for key, by in select.counts(manifest.rows).items())
        print(f"wrote {args.sets / part}.json: {told}", flush=True)
    return 0


def _quantise(args: argparse.Namespace) -> int:
    for contract in _contracts(args):
        calibration = _drawn(args, contract, "calibration")
        histograms = release.observed(contract, calibration)
        measured = release.measure(contract, _drawn(args, contract, "tuning"), release.judge(contract, args.models))
        plan = release.plan(contract, histograms, measured)
        sensitivity.save(plan, args.sets / f"{contract.path.stem}.plan.json")
        files = release.write(contract, histograms, plan, args.models)
        files[release.CPU], left = release.write_cpu(contract, calibration, plan, measured, args.models)
        release.name_variants(args.models / f"{contract.path.stem}.yaml", files)
        print(f"{_told(contract, plan)}; on the CPU: {', '.join(left) or 'none'}", flush=True)
        if args.csv:
            _append(args.csv, _plan_rows(contract, plan))
    return 0


def _plan_rows(contract: Contract, plan: sensitivity.Plan) -> list[dict[str, object]]:
    """What the plan rests on: float, every way to take ranges with all layers INT8, every layer INT8 alone, and the plan itself."""
    scores = [("float", "", plan.fp32), *(("all layers, ranges by", *each) for each in plan.by_method.items())]
    scores += [*(("one layer", *each) for each in plan.by_layer.items()), ("plan", plan.method, plan.planned)]
    return [
        {"model": f"{contract.name} {contract.version}", "int8": what, "which": name, "n": each.n, "score": round(100 * each.value, 2),
         "cer": round(100 * each.cer, 2), "turned_wrong": round(100 * each.turned, 2), "float_in_the_plan": name in plan.floats}
        for what, name, each in scores
    ]  # fmt: skip


def _told(contract: Contract, plan: sensitivity.Plan) -> str:
    by_method = ", ".join(f"{name} {100 * each.value:.2f}" for name, each in plan.by_method.items())
    floats = ", ".join(plan.floats) or "none"
    return (
        f"{contract.name}: fp32 {100 * plan.fp32.value:.2f}; all of {len(plan.by_layer)} layers INT8: {by_method}; "
        f"ranges by {plan.method}; {len(plan.int8)} layers INT8: {100 * plan.planned.value:.2f}; back in float: {floats}"
    )


def _gate(args: argparse.Namespace) -> int:
    failed = 0
    for contract in _contracts(args):
        measured = [_drawn(args, contract, "gate"), *(sets.folder(path) for path in args.data)]
        verdict = gate.measure(contract, release.judge(contract, args.models), measured)
        release.note_gate(args.models / f"{contract.path.stem}.yaml", verdict.fields(), verdict.passed)
        print(gate.table(contract.name, verdict), flush=True)
        failed += sum(not passed for passed in verdict.passed.values())
        if args.csv:
            _append(args.csv, _gate_rows(contract, verdict))
    return 1 if failed else 0


def _speed(args: argparse.Namespace) -> int:
    for contract in _contracts(args):
        some = list(release.tensors(contract, _drawn(args, contract, "gate"))())[: args.batches]
        ratio = speed.compare(contract, some, args.turns)
        size = "x".join(map(str, some[0].shape))
        print(
            f"{contract.name} at {size}: fp32 {ratio.fp32_ms:.2f} ms, int8 {ratio.int8_ms:.2f} ms of processor time on one thread, "
            f"{ratio.times:.2f} times as quick ({ratio.turns} turns side by side)",
            flush=True,
        )
    return 0


def _entropy(args: argparse.Namespace) -> int:
    trt, upload = installed(), device_upload()
    for contract in _contracts(args):
        manifest = args.sets / "calibration.json"
        batches = list(release.tensors(contract, _drawn(args, contract, "calibration"))())
        print(f"wrote {calibrate(trt, contract, batches, cache_path(args.sets, contract, sha256_of(manifest)), upload)}")
    return 0


def _contracts(args: argparse.Namespace) -> Iterable[Contract]:
    return (contracts.load(args.models / f"{name}.yaml") for name in args.model or MODELS)


def _drawn(args: argparse.Namespace, contract: Contract, part: str) -> Set:
    return sets.rendered(select.load(args.sets / f"{part}.json"), contract.kind)


def _gate_rows(contract: Contract, verdict: gate.Verdict) -> list[dict[str, object]]:
    return [
        {"model": f"{contract.name} {contract.version}", "set": name, "file": variant, "metric": verdict.metric, "n": each.n,
         "score": round(100 * each.value, 2), "cer": round(100 * each.cer, 2), "lost": round(verdict.lost(variant, name), 2)}
        for variant, scores in verdict.scores.items() for name, each in scores.items()
    ]  # fmt: skip


def _append(path: Path, rows: Sequence[dict[str, object]]) -> None:
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        if new:
            writer.writeheader()
        writer.writerows(rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m calibration", description="Quantise the released models, and prove that they still read."
    )
    commands = parser.add_subparsers(required=True)
    for name, run, what in (
        ("select", _select, "draw the three rendered sets"),
        ("quantise", _quantise, "choose ranges and layers, write the files"),
        ("gate", _gate, "measure every file against the float one"),
        ("speed", _speed, "the CPU's INT8 file beside the float one"),
        ("entropy", _entropy, "TensorRT's own calibration cache"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        command.set_defaults(command=run)
        command.add_argument("--sets", type=Path, default=Path("runs/calibration"), help="where the sets and plans are")
        if name == "select":
            command.add_argument("--each", type=int, default=2, help="crops of every stratum")
            command.add_argument("--scenes", type=int, default=1, help="scenes of every stratum of scenes")
            continue
        command.add_argument("--models", type=Path, default=Path("models"))
        command.add_argument("--model", action="append", choices=MODELS, help="only this one; may be repeated")
        if name == "gate":
            command.add_argument("--data", type=Path, action="append", default=[], help="a folder with labels.jsonl; may be repeated")
        if name in ("quantise", "gate"):
            command.add_argument("--csv", type=Path, help="append to a table")
        if name == "speed":
            command.add_argument("--turns", type=int, default=60)
            command.add_argument("--batches", type=int, default=8, help="different batches to take turns with")
    return parser


if __name__ == "__main__":
    sys.exit(main())
