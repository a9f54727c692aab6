"""The runtime and the builder, type-checked against real bindings: signatures out of their own docstrings, by mypy's stubgen.

Our source calls TensorRT through a module that is passed in, which a type checker cannot follow; here it is the imported one.
"""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.engines.tensorrt.test_names import HOLDERS, NOT_EVERYWHERE, SOURCES

ROOT = Path(__file__).parents[4]
BINDINGS = "tensorrt_rtx_bindings"
TYPES = {"builder": "Builder", "network": "INetworkDefinition", "config": "IBuilderConfig"}
UNTOLD = (
    'expected "Dims"',  # a tuple is taken wherever Dims is written …
    '"tuple" has incompatible type "Dims"',  # … and Dims can be iterated over,
    'Need type annotation for "found"',  # which this follows from;
    'matches argument type "IHostMemory"',  # it is a buffer, and so makes bytes;
    'expression has type "None"',  # given back, when a session closes;
    'Name "tensorrt" already defined',  # our own import, besides the test's
)
"""What signatures out of docstrings do not tell."""


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package `tensorrt` of signatures."""
    try:
        importlib.import_module(BINDINGS)
    except (ImportError, OSError) as error:
        pytest.skip(f"{BINDINGS} cannot be imported here: {error}")
    folder = tmp_path_factory.mktemp("stubs")
    command = [str(Path(sys.executable).with_name("stubgen")), "--inspect-mode", "-m", f"{BINDINGS}.tensorrt_rtx", "-o", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=200)
    lines = (folder / BINDINGS / "tensorrt_rtx.pyi").read_text().splitlines()
    signatures = parsable([line for line in lines if not line.startswith("bool:")])  # a data type's name, which hides Python's
    (folder / "tensorrt.pyi").write_text("\n".join([*signatures, "__version__: str", ""]))
    return folder


def parsable(lines: list[str]) -> list[str]:
    """Without the few signatures whose docstring is no Python: a default before what has none."""
    while True:
        try:
            ast.parse("\n".join(lines))
        except SyntaxError as error:
            assert error.lineno and " def " in lines[error.lineno - 1]
            del lines[error.lineno - 1]
        else:
            return lines


def imported(source: str) -> str:
    """The same source, with the module that was passed in as an import, and our parameters by their types."""
    source = re.sub(r"(?<![\w.])(self\.)?trt\.", "tensorrt.", source)
    for name, kind in TYPES.items():
        source = re.sub(rf"\b{name}: Any\b", f"{name}: tensorrt.{kind}", source)
    return source.replace("from __future__ import annotations\n", "from __future__ import annotations\nimport tensorrt\n", 1)


def complaints(stubs: Path, folder: Path, source: str) -> list[str]:
    """What mypy says about a source against the stubs."""
    path = folder / "source.py"
    path.write_text(source)
    options = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent", "--check-untyped-defs", "--no-error-summary"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, f"--cache-dir={folder}", str(path)],
        cwd=ROOT, env={"MYPYPATH": f"{stubs}:{ROOT}", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line.startswith(str(path)) and ": error: " in line]


def known(complaint: str) -> bool:
    elsewhere = [f'"{name.rpartition(".")[2]}"' for name in NOT_EVERYWHERE]
    return any(text in complaint for text in UNTOLD) or ("has no attribute" in complaint and any(name in complaint for name in elsewhere))


@pytest.mark.parametrize("name", HOLDERS)
def test_calls_fit_the_real_signatures(stubs: Path, tmp_path: Path, name: str) -> None:
    source = imported((SOURCES / f"{name}.py").read_text(encoding="utf-8"))
    assert "tensorrt." in source
    assert [each for each in complaints(stubs, tmp_path, source) if not known(each)] == []


def test_a_call_that_does_not_fit_is_seen(stubs: Path, tmp_path: Path) -> None:
    head = "import tensorrt\ndef f(context: tensorrt.IExecutionContext) -> None:\n"
    assert len(complaints(stubs, tmp_path, f"{head}    context.execute_async_v3('a', 2)\n    context.no_such()\n")) == 3
