"""Write the released models as a repository for NVIDIA's Triton server, which then serves them to many units.

python -m tools.export_triton --out DIR [--platform onnxruntime_onnx|tensorrt_plan|python] [--models models/*.yaml]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alpr.contract import ContractError
from edge.config.sections import Detector, Enhancer, Reader
from edge.engines import EngineError
from tools.export_triton.config import PLATFORMS, Serving
from tools.export_triton.repository import export

ROOT = Path(__file__).parents[2]
MODELS = [ROOT / stage.model for stage in (Detector(), Enhancer(), Reader())]
"""What a unit runs where its config names nothing else: an engine takes from a server its own models alone."""


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    serving = Serving(args.platform, args.max_batch, args.threads)
    refused = 0
    for path in args.models:
        try:
            home = export(path, args.out, serving, args.plans)
        except (ContractError, EngineError, OSError) as error:
            print(f"refused: {error}", file=sys.stderr)
            refused += 1
        else:
            print(f"wrote {home}")
    if not refused:
        print(f"serve it:  tritonserver --model-repository {args.out}")
        print("use it:    engine: triton and triton: {url: grpc://HOST:8001} in config.yaml")
    return 1 if refused else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.export_triton", description="Write a Triton model repository.")
    parser.add_argument("--out", type=Path, required=True, help="the repository's folder; versions that lie there stay")
    parser.add_argument("--platform", choices=PLATFORMS, default=PLATFORMS[0], help="what runs the models (default: %(default)s)")
    parser.add_argument("--models", type=Path, nargs="+", default=MODELS, help="contracts; otherwise the released ones")
    parser.add_argument("--plans", type=Path, help="tensorrt_plan: the folder with detector.plan, lpsr.plan and reader.plan")
    parser.add_argument("--max-batch", type=_count, default=16, help="pictures in one batch at most (default: %(default)s)")
    parser.add_argument("--threads", type=_count, default=1, help="python: CPU threads a model (default: %(default)s)")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
