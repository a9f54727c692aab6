"""The house stands as it was drawn: its walls, its one version, its licence, its settings."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import alpr

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
ROOMS = ("alpr", "edge", "calibration", "training", "tools")
MAY_IMPORT = {
    "alpr": {"alpr"},
    "edge": {"alpr", "edge"},
    "calibration": {"alpr", "calibration"},
    "training": {"alpr", "training"},
    "tools": set(ROOMS),
}
DOORS = {
    ("calibration", "training.degradation"),
    ("calibration", "training.synth"),
}  # numpy and cv2 alone: calibration sets come out of them
GPU = ("tensorrt", "pycuda")
GPU_ROOMS = ("edge/engines/tensorrt", "edge/cuda", "calibration/entropy")
DISTRIBUTIONS = {"cv2": "opencv-python-headless", "paho": "paho-mqtt", "yaml": "pyyaml", "PIL": "pillow"}
OF_THE_SYSTEM = ("gi", "tensorrt", "tomli", "triton_python_backend_utils")
"""Debian's, JetPack's, Triton's own; tomli is tomllib before Python 3.11, and pytest brings it there."""
NO_DEVICE_HAS = ("torch", "training", "calibration", "tools", "tensorrt", "pycuda")


def sources(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, however deep inside it, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import hides which room it is from"
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def faults(path: str, source: str) -> list[str]:
    """The walls that a file breaks; `path` counts from the root of the house."""
    room, tree = path.split("/")[0], ast.parse(source)
    found = []
    for line, name in imports(tree):
        top = name.split(".")[0]
        if top in ROOMS and top not in MAY_IMPORT[room] and not any(room == who and within(name, what) for who, what in DOORS):
            found.append(f"{path}:{line} imports {name}: {room}/ may import {', '.join(sorted(MAY_IMPORT[room]))}")
        if top == "torch" and room not in ("training", "tools"):
            found.append(f"{path}:{line} imports {name}: torch is for training/ and tools/")
        if top in GPU and not path.startswith(GPU_ROOMS):
            found.append(f"{path}:{line} imports {name}: only {', '.join(GPU_ROOMS)} may")
    if room == "tools":
        found += [f"{path}:{line} imports {name} at the top: inside the function that needs it" for line, name in at_the_top(tree)]
    return found


def at_the_top(tree: ast.Module) -> list[tuple[int, str]]:
    """The imports of torch and of the training rooms that run when the module is imported."""
    inside = [name for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom)) for name in imports(node)]
    return [(line, name) for line, name in inside if name.split(".")[0] in ("torch", "training", "calibration")]


def within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.") or module.startswith(f"{name}.")


@pytest.mark.parametrize("path", [str(path.relative_to(ROOT)) for path in sources(*ROOMS)])
def test_no_room_reaches_through_a_wall(path: str) -> None:
    assert faults(path, (ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("edge/reader.py", "import torch"),
        ("edge/reader.py", "def late():\n    from training.ocr import network"),
        ("edge/engines/onnx.py", "import tensorrt as trt"),
        ("alpr/vote.py", "from edge.gate import Gate"),
        ("training/run.py", "import calibration.qdq"),
        ("calibration/qdq.py", "from training.ocr import data"),
        ("calibration/entropy.py", "import torch"),
        ("tools/bench.py", "import torch"),
    ],
)
def test_a_broken_wall_is_seen(path: str, source: str) -> None:
    assert faults(path, source) != []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("edge/engines/tensorrt.py", "import tensorrt, pycuda.driver"),
        ("calibration/batches.py", "from training.degradation import hybrid"),
        ("training/run.py", "import torch"),
        ("tools/export_onnx.py", "def main():\n    import torch"),
    ],
)
def test_the_doors_are_open(path: str, source: str) -> None:
    assert faults(path, source) == []


def test_importing_the_device_leaves_the_workshop_out() -> None:
    """In a fresh interpreter: whatever a third library drags in counts too."""
    gpu = tuple(path.replace("/", ".") for path in GPU_ROOMS)
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in sources("alpr", "edge")]
    wanted = [name for name in names if not name.startswith(gpu) and not name.endswith("__main__")]
    assert "edge.config" in wanted
    load = f"import sys, importlib\nfor name in {wanted!r}: importlib.import_module(name)"
    code = f"{load}\nprint([name for name in {NO_DEVICE_HAS!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_linter_knows_the_walls_too() -> None:
    """The editor shows what this file would say an hour later."""
    for source in ("import torch\n", "import pycuda.driver\n", "from training.ocr import network\n"):
        for path, expected in (("edge/reader.py", 1), ("alpr/vote.py", 1), ("training/ocr/network.py", 0)):
            command = [sys.executable, "-m", "ruff", "check", "--quiet", "--select", "TID251", "--stdin-filename", path, "-"]
            done = subprocess.run(command, cwd=ROOT, input=source, capture_output=True, text=True, timeout=60)
            assert done.returncode == expected, f"{path}: {source}{done.stdout}{done.stderr}"


def test_every_shipped_yaml_is_yaml() -> None:
    shipped = [ROOT / "config.yaml", *(path for room in (*ROOMS, "models") for path in (ROOT / room).rglob("*.yaml"))]
    assert len(shipped) > 10
    for path in shipped:
        assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict), f"{path.relative_to(ROOT)}: expected a mapping"


def test_what_is_imported_is_declared() -> None:
    """A package that is there by chance, through another one, is gone with that one's next release."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for group in groups.values() for line in group), *torch_lines()]
    declared = {re.split(r"[^\w-]", line)[0] for line in lines}
    used = {(name.split(".")[0], path) for path in sources(*ROOMS, "tests") for _, name in imports(ast.parse(path.read_text()))}
    foreign = {(top, path) for top, path in used if top not in sys.stdlib_module_names and top not in (*ROOMS, "tests", *OF_THE_SYSTEM)}
    unknown = {f"{path.relative_to(ROOT)}: {top}" for top, path in foreign if DISTRIBUTIONS.get(top, top.replace("_", "-")) not in declared}
    assert unknown == set()


def torch_lines() -> list[str]:
    return [line for line in (ROOT / "requirements/torch.txt").read_text().splitlines() if not line.startswith("#")]


def test_there_is_one_version() -> None:
    """Packaging reads it from alpr, and the changelog speaks of it first."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", alpr.__version__)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"] and "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "alpr.__version__"}
    headings = re.findall(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == alpr.__version__
    others = [path for path in sources(*ROOMS) if re.search(r"^__version__\b", path.read_text(), re.MULTILINE)]
    assert others == [ROOT / "alpr" / "__init__.py"]


def test_the_licence_is_there_in_full() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text and "Version 2.0, January 2004" in text and "APPENDIX: How to apply the Apache License" in text


def test_the_locks_name_no_place_and_hash_everything() -> None:
    """A lock with an index in it works in one building; one line without a hash, and pip takes none."""
    for name in ("run", "test"):
        text = (ROOT / "requirements" / f"{name}.lock").read_text()
        assert "://" not in text and "--index" not in text and "--find-links" not in text and " @ " not in text
        pins = re.split(r"\n(?=[a-z0-9])", "\n" + text)[1:]
        assert len(pins) > 20 and all("==" in pin and "--hash=sha256:" in pin for pin in pins)


def test_what_runs_is_what_was_tested() -> None:
    run, test = (
        re.findall(r"^[a-z0-9-]+==\S+", (ROOT / f"requirements/{name}.lock").read_text(), re.MULTILINE) for name in ("run", "test")
    )
    assert len(run) > 20 and set(run) <= set(test)


def test_files_stay_small() -> None:
    """A goal, not a wall: what has outgrown it is named."""
    lengths = {path.relative_to(ROOT): path.read_text(encoding="utf-8").count("\n") for path in sources(*ROOMS, "tests")}
    for path, lines in lengths.items():
        if lines > 300:
            warnings.warn(f"{path} has {lines} lines: what is its second idea?", stacklevel=1)
    assert max(lengths.values()) < 1000
