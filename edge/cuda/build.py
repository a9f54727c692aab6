"""Compile the kernels ahead of time, so that a unit needs no compiler: python -m edge.cuda.build [--arch 87 …]"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

SOURCES = Path(__file__).parent
FOLDER = Path("var/cuda")
TARGETS = (72, 87, 110)
"""Xavier, Orin, Thor: each where the compiler knows it (CUDA 13 left Xavier out, 12 does not have Thor)."""
FLAGS = ("-std=c++17", "--fmad=false")
"""No fused multiply-add: the device rounds as the host does, and as alpr.imaging was compared."""


class BuildError(RuntimeError):
    """The kernels cannot be compiled; the message says why and how to mend it."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m edge.cuda.build", description="Compile the kernels for the units and for this machine."
    )
    parser.add_argument(
        "--arch", type=int, action="append", help="compute capability, e.g. 87; may be repeated (default: the units', and this GPU's)"
    )
    parser.add_argument("--out", type=Path, default=FOLDER)
    args = parser.parse_args(arguments)
    try:
        nvcc = find_nvcc()
        archs = args.arch or chosen([*TARGETS, *own_archs()], known_archs(nvcc))
        print(f"wrote {build(nvcc, archs, args.out)} for {', '.join(f'sm_{arch}' for arch in archs)}")
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build(nvcc: Path, archs: Sequence[int], out: Path = FOLDER) -> Path:
    """The fat binary of all kernels: machine code for each arch, and PTX of the oldest for GPUs not thought of. Raises BuildError."""
    out.mkdir(parents=True, exist_ok=True)
    codes = [f"arch=compute_{arch},code=sm_{arch}" for arch in archs] + [f"arch=compute_{min(archs)},code=compute_{min(archs)}"]
    with tempfile.TemporaryDirectory(dir=out) as folder:
        draft = Path(folder) / "kernels.fatbin"
        options = [option for code in codes for option in ("-gencode", code)]
        _run([str(nvcc), *FLAGS, "-fatbin", *options, "-o", str(draft), str(SOURCES / "kernels.cu")])
        draft.replace(fatbin(out))
    return fatbin(out)


def fatbin(folder: Path = FOLDER) -> Path:
    """Where the fat binary of these very sources lies: the name holds their hash, so that no other one is taken for it."""
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    for path in sorted([*SOURCES.glob("*.cu"), *SOURCES.glob("*.cuh")]):
        digest.update(path.read_bytes())
    return folder / f"kernels-{digest.hexdigest()[:12]}.fatbin"


def find_nvcc() -> Path:
    """CUDA_HOME's, PATH's, /usr/local/cuda's (JetPack), or the one of the nvidia-cuda-nvcc wheel. Raises BuildError."""
    homes = [Path(home) for home in (os.environ.get("CUDA_HOME"), "/usr/local/cuda") if home]
    on_path = shutil.which("nvcc")
    found = [homes[0] / "bin/nvcc", *([Path(on_path)] if on_path else []), homes[-1] / "bin/nvcc", *_in_wheel()]
    for nvcc in found:
        if nvcc.is_file():
            return nvcc
    raise BuildError("no nvcc: install CUDA's compiler (JetPack: cuda-nvcc; elsewhere pip install '.[dev]'), or set CUDA_HOME")


def _in_wheel() -> list[Path]:
    spec = find_spec("nvidia")
    return [path for root in (spec.submodule_search_locations or () if spec else ()) for path in sorted(Path(root).glob("cu*/bin/nvcc"))]


def known_archs(nvcc: Path) -> list[int]:
    """The compute capabilities that a compiler makes code for."""
    return [int(arch) for arch in re.findall(r"sm_(\d+)$", _run([str(nvcc), "--list-gpu-code"]), re.MULTILINE)]


def chosen(wanted: Iterable[int], known: Sequence[int]) -> list[int]:
    """What of the wanted a compiler knows, in order, each once. Raises BuildError where that is nothing."""
    found = sorted(set(wanted) & set(known))
    if not found:
        raise BuildError(f"nvcc knows none of the GPUs wanted: it has {', '.join(f'sm_{arch}' for arch in known)}; take another CUDA")
    return found


def own_archs() -> list[int]:
    """This machine's GPUs, by its driver's own tool; none where there is none. A Jetson has no such tool, and is among the targets."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return []
    done = subprocess.run([tool, "--query-gpu=compute_cap", "--format=csv,noheader"], capture_output=True, text=True, timeout=60)
    return [int(major) * 10 + int(minor) for major, minor in re.findall(r"^(\d+)\.(\d+)$", done.stdout, re.MULTILINE)]


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise BuildError(f"{command[0]} failed:\n{done.stderr or done.stdout}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
