"""Check and time the unit on this machine's GPU: python -m tools.gpu_check [--only kernels] [--set DIR] [--cameras 8]

Exit codes: 0 all is well; 1 a check failed; 2 there is no GPU, or no TensorRT, that can be used.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from alpr import contract
from alpr.contract import ContractError
from edge.config import ConfigError, load
from edge.cuda import build
from edge.engines import EngineError
from edge.engines.tensorrt import bindings
from edge.engines.tensorrt.gpu import Gpu
from edge.engines.tensorrt.recipe import PRECISIONS
from tools.gpu_check import clip
from tools.gpu_check.check import CLIP, Check
from tools.gpu_check.report import Report

ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None, trt: Any = None, gpu: Gpu | None = None) -> int:
    """`trt` and `gpu`: this machine's where they are not given."""
    args = _parser().parse_args(arguments)
    try:
        trt = trt or (None if args.only == "kernels" else bindings.tensorrt())
        gpu = gpu or Gpu.open(kernels_of(args.kernels))
    except (EngineError, build.BuildError) as error:
        print(f"gpu-check needs a GPU with its driver, CUDA and TensorRT, and nothing was checked: {error}", file=sys.stderr)
        return 2
    try:
        config = load(args.config)
        contracts = tuple(contract.load(getattr(config, stage).model) for stage in ("detector", "enhancer", "reader"))
    except (ConfigError, ContractError) as error:
        print(error, file=sys.stderr)
        return 1
    check = Check(trt, gpu, config, contracts, Report(conditions(trt, gpu)))  # type: ignore[arg-type]
    check.kernels()
    if args.only != "kernels":
        _everything(check, args)
        print(check.report.table())
        check.report.write(args.out / f"gpu-check-{''.join(char if char.isalnum() else '-' for char in gpu.name)}-trt{trt.__version__}")
    return 0 if check.report.good else 1


def _everything(check: Check, args: argparse.Namespace) -> None:
    pictures = [frame.bgr for frame in list(clip.frames(CLIP, args.frames))[::10]]
    for precision in args.precision or PRECISIONS:
        for step in _steps(check, precision, pictures, args):
            try:
                step()
            except EngineError as error:  # one engine that cannot be had leaves the others to be checked
                check.report.check(f"{precision}: {error}", False)
                break
    if tool := shutil.which("compute-sanitizer"):
        check.report.check("compute-sanitizer", *_sanitized(tool))
    else:
        print("compute-sanitizer is not installed: memory accesses of the kernels were not checked")


def _steps(check: Check, precision: str, pictures: list[np.ndarray], args: argparse.Namespace) -> Iterator[Callable[[], None]]:
    yield lambda: check.models(precision, pictures)
    yield lambda: check.events(precision, args.frames)
    for folder in args.set or ():
        yield lambda folder=folder: check.set(precision, folder)  # type: ignore[misc]
    yield lambda: check.speeds(precision, args.cameras, args.timed)


def _sanitized(tool: str) -> tuple[bool]:
    """The kernels once more, every access to memory watched."""
    command = [tool, "--error-exitcode", "9", sys.executable, "-m", "tools.gpu_check", "--only", "kernels"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600)
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-4000:])
    return (done.returncode == 0,)


def kernels_of(path: Path | None) -> Path:
    """The fat binary, compiled here where it is not there. Raises BuildError."""
    if path or build.fatbin().is_file():
        return path or build.fatbin()
    nvcc = build.find_nvcc()
    return build.build(nvcc, build.chosen([*build.TARGETS, *build.own_archs()], build.known_archs(nvcc)))


def conditions(trt: Any, gpu: Gpu) -> dict[str, str]:
    when = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {"when": when, "gpu": gpu.name, "tensorrt": trt.__version__ if trt else "not used"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.gpu_check", description="Check and time the unit on this machine's GPU.")
    parser.add_argument("--config", type=Path, default=ROOT / "config.yaml")
    parser.add_argument("--only", choices=("kernels",), help="this check alone; it needs no TensorRT")
    parser.add_argument("--precision", choices=PRECISIONS, action="append", help="may be repeated (default: all)")
    parser.add_argument("--set", type=Path, action="append", help="a labelled set as tools.bench accuracy takes it; may be repeated")
    parser.add_argument("--frames", type=int, help="of the clip (default: all)")
    parser.add_argument("--cameras", type=int, default=8, help="of the async speeds (default: %(default)s)")
    parser.add_argument("--timed", type=int, default=300, help="frames a camera for each speed (default: %(default)s)")
    parser.add_argument("--kernels", type=Path, help="a fat binary (default: made of the sources here)")
    parser.add_argument("--out", type=Path, default=ROOT / "results", help="where the table is stored (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
