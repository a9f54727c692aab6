"""Measure: python -m tools.bench accuracy DIR, python -m tools.bench speed [--source …] [--side-by-side] [--device NAME]."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from alpr.contract import ContractError
from edge.cameras import CameraError
from edge.config import Config, ConfigError, load
from edge.engines import EngineError
from edge.still import Stills
from edge.unit import loop_from, models
from tools.bench import accuracy, conditions, roofline, sizes, speed, ways
from tools.bench.dataset import DatasetError
from tools.bench.roofline import Device, DeviceError

CLIP = Path(__file__).parents[2] / "samples/street.mp4"


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        found = _accuracy(args) if args.command == "accuracy" else _speed(args)
    except (ConfigError, ContractError, EngineError, CameraError, DatasetError, DeviceError) as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def _accuracy(args: argparse.Namespace) -> object:
    overrides: dict[str, object] = {"gate.enhance": args.enhance, "cameras": [{"id": "none", "source": str(args.dir)}]}
    if args.regions is not None:
        overrides["regions"] = [code for code in args.regions.split(",") if code]
    config = load(args.config, overrides)
    loop = loop_from(config)
    results = accuracy.measure(Stills.of(loop), args.dir)
    if args.preds:
        args.preds.write_text("".join(f"{line}\n" for line in accuracy.predictions(results)), encoding="utf-8")
    found = accuracy.report(results)
    if args.csv:
        made_with = {"set": args.dir.name, "enhance": args.enhance, "engine": conditions.engine(config), **models(config)}
        accuracy.append_csv(args.csv, found, made_with)
    print(f"{args.dir} (enhance {args.enhance}, {args.engine})\n{accuracy.table(found)}")
    return found


def _speed(args: argparse.Namespace) -> object:
    wanted, config = roofline.named(args.device) if args.device else None, load(args.config)
    if args.side_by_side:
        return _side_by_side(args, config, wanted)
    found = speed.measure(args.config, args.source, args.seconds)
    device = wanted or sizes.device_of(found.get("gpu"))
    described = sizes.described(config, device)
    print(f"{speed.table(found)}\n{sizes.table(described, device)}")
    if args.csv:
        speed.append_csv(args.csv, [found])
    return {**found, "models": described}


def _side_by_side(args: argparse.Namespace, config: Config, wanted: Device | None) -> object:
    found = list(
        ways.side_by_side(ways.all_of(config), lambda way: speed.measure(args.config, args.source, args.seconds, way), args.rounds, print)
    )
    device = wanted or next((sizes.device_of(run.get("gpu")) for _, run in found), None)
    described = sizes.described(config, device)
    runs = [{**run, **sizes.above(described, way.precision, run)} for way, run in found]
    print(f"{ways.table(list(zip([way for way, _ in found], runs, strict=True)))}\n{sizes.table(described, device)}")
    if args.csv:
        speed.append_csv(args.csv, runs)
    return {"ways": runs, "models": described}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description="How much is read right, and how fast.")
    commands = parser.add_subparsers(dest="command", required=True)
    reads = commands.add_parser("accuracy", help="a set with labels.jsonl, or a folder whose file names are the truth")
    reads.add_argument("dir", type=Path)
    reads.add_argument(
        "--enhance", choices=("auto", "always", "never"), default="auto", help="who goes through LPSR (default: the gate decides)"
    )
    reads.add_argument("--engine", choices=("onnx",), default="onnx")
    reads.add_argument("--regions", help="grammars, e.g. VN,TW (default: the config's); an empty text is all of them")
    reads.add_argument("--preds", type=Path, help="write a JSON line a picture")
    fast = commands.add_parser("speed", help="the whole unit on a source, without a broker")
    fast.add_argument("--source", default=str(CLIP), help="as in the config (default: the sample clip)")
    fast.add_argument("--seconds", type=float, default=20.0)
    fast.add_argument(
        "--side-by-side", action="store_true", help="precisions, sync and async, CUDA graphs or none: every way of the config's engine"
    )
    fast.add_argument("--rounds", type=int, default=3, help="of every way, side by side; the median one counts (default: %(default)s)")
    fast.add_argument("--device", help=f"what is possible at best: {', '.join(each.name for each in roofline.DEVICES)} (default: this one)")
    for command in (reads, fast):
        command.add_argument("--config", type=Path, default=Path("config.yaml"))
        command.add_argument("--json", type=Path, help="write all numbers")
        command.add_argument("--csv", type=Path, help="append to a table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
