from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from alpr import contract
from alpr.contract import Contract
from tests.edge.cuda.host import compiled_library

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """edge/cuda compiled for the host, for the stand-in to load."""
    if not shutil.which("g++"):
        pytest.skip("g++ is not installed: it compiles the kernels for the host")
    return compiled_library(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="session")
def contracts() -> tuple[Contract, Contract, Contract]:
    """The released detector, enhancer and reader."""
    detector, enhancer, reader = (contract.load(ROOT / f"models/{name}.yaml") for name in ("detector", "lpsr", "reader"))
    return detector, enhancer, reader
