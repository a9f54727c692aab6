from __future__ import annotations

import shutil

import pytest

from tests.edge.cuda.host import HostKernels, compiled_library


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> HostKernels:
    if not shutil.which("g++"):
        pytest.skip("g++ is not installed: it compiles the kernels for the host")
    return HostKernels(compiled_library(tmp_path_factory.mktemp("kernels")))
