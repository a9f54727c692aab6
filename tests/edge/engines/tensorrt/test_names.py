"""Every attribute of TensorRT that our source names exists in each version that units have, or is asked for by version.

`names/VERSION.json` was listed from real bindings by `python -m tools.build_engines.names`; what can be imported here is listed anew.
"""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.build_engines.names import Names, names

FOLDER = Path(__file__).parent / "names"
SOURCES = Path(__file__).parents[4] / "edge/engines/tensorrt"
STORED = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
IMPORTABLE = ("tensorrt", "tensorrt_rtx_bindings")
CLASSES = {  # what our variables are
    "builder": "Builder", "network": "INetworkDefinition", "config": "IBuilderConfig", "parser": "OnnxParser",
    "profile": "IOptimizationProfile", "context": "IExecutionContext", "self._contexts[shape]": "IExecutionContext",
    "self._engine": "ICudaEngine", "self._runtime": "Runtime", "network.get_input(0)": "ITensor", "parser.get_error(i)": "ParserError",
    "config.get_timing_cache()": "ITimingCache", "severity": "ILogger.Severity", "flag": "BuilderFlag",
}  # fmt: skip
HOLDERS = ("bindings", "builder", "session")
"""The files that hold TensorRT's objects; elsewhere the same names are other things."""
NOT_EVERYWHERE = {  # asked for by version or typing, in bindings.py and builder.py
    "NetworkDefinitionCreationFlag.STRONGLY_TYPED": ("8.",),
    "NetworkDefinitionCreationFlag.EXPLICIT_BATCH": ("11.", "1."),
    "BuilderFlag.FP16": ("11.", "1."),
    "BuilderFlag.INT8": ("11.", "1."),
    "IProgressMonitor": ("8.",),
    "IBuilderConfig.progress_monitor": ("8.",),
}


def used() -> set[str]:
    """ "Builder", "BuilderFlag.FP16", "IExecutionContext.execute_async_v3" …: all that the source names."""
    return {name for path in SOURCES.glob("*.py") for name in names_in(path)}


def names_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Attribute):
            continue
        whole, owner = ast.unparse(node), ast.unparse(node.value)
        for module in ("trt.", "self.trt."):
            if whole.startswith(module) and "__" not in whole:
                yield whole.removeprefix(module)
        if owner in CLASSES and path.stem in HOLDERS:
            yield f"{CLASSES[owner]}.{node.attr}"


def missing(listed: Names, version: str) -> set[str]:
    def there(name: str) -> bool:
        first, _, rest = name.partition(".")
        return name == "__version__" or (first in listed and (not rest or rest.partition(".")[0] in listed[first]))

    allowed = {name for name, versions in NOT_EVERYWHERE.items() if version.startswith(versions)}
    return {name for name in used() if not there(name)} - allowed


def test_the_source_is_read() -> None:
    found = used()
    assert {"Builder", "BuilderFlag.INT8", "IExecutionContext.execute_async_v3", "ICudaEngine.get_tensor_profile_shape"} <= found
    assert {"IBuilderConfig.add_optimization_profile", "Runtime.deserialize_cuda_engine", "ParserError.desc"} <= found
    assert set(NOT_EVERYWHERE) <= found


def test_the_oldest_and_the_newest_are_listed() -> None:
    assert {version.rpartition(".")[0] for version in STORED} >= {"8.5.3", "10.3", "10.16.1", "11.4.0"}


@pytest.mark.parametrize("version", STORED)
def test_every_name_exists_in(version: str) -> None:
    assert missing(STORED[version], version) == set()


def test_what_an_old_version_lacks_is_seen() -> None:
    oldest = next(listed for version, listed in STORED.items() if version.startswith("8."))
    assert "BuilderFlag.INT8" in missing({**oldest, "BuilderFlag": ["FP16"]}, "8.5.3.1")
    assert "IExecutionContext.execute_async_v3" in missing({**oldest, "IExecutionContext": []}, "8.5.3.1")


@pytest.mark.parametrize("name", IMPORTABLE)
def test_every_name_exists_in_what_is_installed(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except (ImportError, OSError) as error:
        pytest.skip(f"{name} cannot be imported here: {error}")
    assert missing(names(module), module.__version__) == set()
