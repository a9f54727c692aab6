"""Build the unit's engines: python -m tools.build_engines [--precision int8|fp16|fp32|auto] [--device-info]"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from alpr import contract
from alpr.contract import ContractError
from edge.config import ConfigError, load
from edge.engines import EngineError
from edge.engines.tensorrt import bindings
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.recipe import PRECISIONS
from tools.build_engines import device
from tools.build_engines.build import Yard
from tools.build_engines.gate import Gate, recorded

STAGES = ("detector", "enhancer", "reader")


def main(arguments: list[str] | None = None, trt: Any = None, gpu: Gpu | None = None, gate: Gate = recorded) -> int:
    """`trt` and `gpu`: this machine's where they are not given."""
    args = _parser().parse_args(arguments)
    try:
        config = load(args.config, _models(args.models), secrets=False)  # its unit has none: no password is near what parses graphs
        trt = trt or bindings.tensorrt()
        gpu = gpu or Gpu.open()
        if args.device_info:
            print("\n".join(device.describe(trt, gpu)))
            return 0
        yard = Yard(trt, gpu, config, print, _progress if sys.stderr.isatty() else lambda phase, share: None)
        for stage in args.only or STAGES:
            model = contract.load(getattr(config, stage).model)
            if args.precision == "auto":
                yard.choose(model, gate, args.again)
            else:
                yard.engine(model, args.precision, args.again)
    except (ConfigError, ContractError, EngineError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _models(folder: Path | None) -> dict[str, Any]:
    """Config keys for the models of a release that does not run yet, where its folder is given."""
    if folder is None:
        return {}
    shipped = {"detector": "detector.yaml", "enhancer": "lpsr.yaml", "reader": "reader.yaml"}
    shipped |= {"corners": "corners.yaml"} if (folder / "corners.yaml").is_file() else {}  # older releases have none
    return {f"{stage}.model": str((folder / name).absolute()) for stage, name in shipped.items()}


def _progress(phase: str, share: float) -> None:
    print(f"\r\x1b[K{phase[:60]} {share:4.0%}", end="\r" if share >= 1 else "", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.build_engines", description="Build TensorRT engines on this machine's GPU.")
    parser.add_argument("--precision", choices=(*PRECISIONS, "auto"), default="auto", help="auto: the fastest that keeps its accuracy")
    parser.add_argument("--only", choices=STAGES, action="append", help="this model alone; may be repeated")
    parser.add_argument("--again", action="store_true", help="also where a good engine is there")
    parser.add_argument("--device-info", action="store_true", help="say what GPU and TensorRT are here, and build nothing")
    parser.add_argument("--models", type=Path, help="a folder with a release's models, instead of those that the config names")
    parser.add_argument(
        "--config", type=Path, default=Path("config.yaml"), help="models, canvases and where engines belong (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
