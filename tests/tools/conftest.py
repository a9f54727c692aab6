from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.edge.cuda.host import compiled_library
from tools.build_engines import timing

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="package")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("g++"):
        pytest.skip("g++ is not installed: it compiles the kernels for the host")
    return compiled_library(tmp_path_factory.mktemp("kernels"))


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is timed here is the stand-in."""
    monkeypatch.setattr(timing, "RUNS", 2)
    monkeypatch.setattr(timing, "WARM_UP", 1)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped config with engines in a folder of their own."""
    fields = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    fields["tensorrt"] |= {"engines": str(tmp_path / "engines"), "canvases_px": [[64, 96]]}
    for stage in ("detector", "corners", "enhancer", "reader"):
        fields[stage]["model"] = str(ROOT / fields[stage]["model"])
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(fields))
    return tmp_path / "config.yaml"
