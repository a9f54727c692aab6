"""List what a TensorRT's Python module calls its things, for the tests: python -m tools.build_engines.names FOLDER [--module tensorrt]

The bindings alone are enough (the tensorrt-cu12-bindings and -cu13-bindings wheels; no GPU, no libnvinfer): their libraries are stood
in for by empty ones, which --stub compiles. Run it with the Python that the wheel is for.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

LIBRARIES = ("nvinfer", "nvonnxparser", "nvinfer_plugin", "nvparsers")
MAJORS = (8, 10, 11)
FUNCTIONS = (
    "createInferBuilder_INTERNAL", "createInferRefitter_INTERNAL", "createInferRuntime_INTERNAL", "createNvOnnxParserRefitter_INTERNAL",
    "createNvOnnxParser_INTERNAL", "getBuilderPluginRegistry", "getNvOnnxParserVersion", "getPluginRegistry", "initLibNvInferPlugins",
    # TensorRT 8 has two parsers more, written in C++
    "_ZN11nvuffparser15createUffParserEv", "_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi",
    "_ZN14nvcaffeparser117createCaffeParserEv", "_ZN14nvcaffeparser123shutdownProtobufLibraryEv",
)  # fmt: skip
"""What the bindings look up when they are imported; none is called by that."""

Names = dict[str, list[str]]


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    if args.stub:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "tools.build_engines.names", str(args.folder), "--module", args.module]
            return subprocess.run(command, env=stubbed(Path(folder), os.environ), timeout=300).returncode
    module = importlib.import_module(args.module)
    path = args.folder / f"{module.__version__}.json"
    lines = [f"{json.dumps(name)}: {json.dumps(members)}" for name, members in sorted(names(module).items())]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")  # a line a name: two versions can be compared
    print(f"wrote {path}")
    return 0


def names(module: ModuleType) -> Names:
    """Each public name of a module, and for classes their members."""
    found = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {
        name: [each for each in dir(value) if not each.startswith("_")] if inspect.isclass(value) else [] for name, value in found.items()
    }


def stubbed(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which the bindings find libraries, empty ones. Needs gcc."""
    source = folder / "empty.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in FUNCTIONS))
    for file in (f"lib{name}.so.{major}" for name in LIBRARIES for major in MAJORS):
        subprocess.run(["gcc", "-shared", "-fPIC", f"-Wl,-soname,{file}", "-o", str(folder / file), str(source)], check=True, timeout=60)
    return {**environment, "LD_LIBRARY_PATH": f"{folder}:{environment.get('LD_LIBRARY_PATH', '')}"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.build_engines.names", description="List a TensorRT's names for the tests.")
    parser.add_argument("folder", type=Path, help="where VERSION.json goes")
    parser.add_argument("--module", default="tensorrt", help="tensorrt, tensorrt_bindings, tensorrt_rtx_bindings")
    parser.add_argument("--stub", action="store_true", help="only the bindings are installed: stand in for the libraries")
    return parser


if __name__ == "__main__":
    sys.exit(main())
