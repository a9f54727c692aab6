"""The kernels compile for every target with the compiler that the locks bring, and a fat binary is only ever that of its sources."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edge.cuda import build


@pytest.fixture
def nvcc() -> Path:
    try:
        return build.find_nvcc()
    except build.BuildError as error:
        pytest.skip(str(error))


def test_the_kernels_compile_for_the_units(nvcc: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--out", str(tmp_path)]) == 0, capfd.readouterr().err
    said = capfd.readouterr().out
    archs = build.chosen(build.TARGETS, build.known_archs(nvcc))
    assert 87 in archs and all(f"sm_{arch}" in said for arch in archs)
    assert [path.name for path in tmp_path.iterdir()] == [build.fatbin(tmp_path).name]


def test_every_kernel_is_in_each_unit_s_machine_code(nvcc: Path, tmp_path: Path) -> None:
    """Orin's and Thor's in any case; Xavier's needs a compiler older than CUDA 13."""
    archs = build.chosen(build.TARGETS, build.known_archs(nvcc))
    assert {87, 110} <= set(archs)
    for arch in archs:
        machine_code = build.build(nvcc, [arch], tmp_path).read_bytes()
        assert not [name for name in (b"letterbox", b"plates", b"pictures", b"candidates") if name not in machine_code]


def test_a_compiler_error_is_told(nvcc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "FLAGS", ("--no-such-option",))
    with pytest.raises(build.BuildError, match="no-such-option"):
        build.build(nvcc, [87], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_only_gpus_that_the_compiler_knows_are_built_for() -> None:
    assert build.chosen([110, 72, 87, 87], [75, 87, 90]) == [87]
    with pytest.raises(build.BuildError, match="sm_90"):
        build.chosen([72], [75, 90])


def test_changed_sources_have_another_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build.fatbin(tmp_path)
    (tmp_path / "kernels.cu").write_text("// other")
    monkeypatch.setattr(build, "SOURCES", tmp_path)
    assert build.fatbin(tmp_path) != before


def test_a_machine_without_a_gpu_adds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    answers = iter(["8.7\n", "", "9.0\n12.0\n"])
    monkeypatch.setattr(build.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, next(answers), ""))
    assert [build.own_archs() for _ in range(3)] == [[87], [], [90, 120]]
