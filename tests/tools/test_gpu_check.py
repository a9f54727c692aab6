"""tools.gpu_check with stand-ins for TensorRT and CUDA: it runs from end to end, finds what is wrong, and needs a GPU otherwise."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml

from tests.edge.engines.tensorrt.cuda_standin import Cuda, Graphs, standin_gpu
from tests.edge.engines.tensorrt.trt_standin import Trt
from tools.gpu_check.__main__ import main

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture
def wide(config: Path) -> Path:
    """The clip's frames need their own canvas."""
    fields = yaml.safe_load(config.read_text())
    fields["tensorrt"]["canvases_px"] = [[384, 640]]
    config.write_text(yaml.safe_dump(fields))
    return config


def test_a_machine_without_a_gpu_checks_nothing_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "gpu-check needs a GPU" in capsys.readouterr().err


def test_the_kernels_are_compared(kernels: Path, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "kernels", "--config", str(config)], Trt(), standin_gpu(kernels)) == 0
    said = capsys.readouterr().out
    assert said.count("ok    kernel") == 5 and "candidates  apart 0.0" in said


def test_a_wrong_kernel_is_found(kernels: Path, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def off_by_one(cuda: Cuda, target: object, source: int, stream: object) -> None:
        copy(cuda, target, source, stream)  # type: ignore[arg-type]
        target[:8] += 9  # type: ignore[index]

    copy = Cuda.memcpy_dtoh_async
    monkeypatch.setattr(Cuda, "memcpy_dtoh_async", off_by_one)
    assert main(["--only", "kernels", "--config", str(config)], Trt(), standin_gpu(kernels)) == 1
    assert "FAIL  kernel" in capsys.readouterr().out


def test_the_whole_check_runs_and_is_stored(kernels: Path, wide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With engines that are onnxruntime itself, everything agrees."""
    few = ["--frames", "30", "--timed", "4", "--cameras", "2", "--precision", "fp32"]
    assert main(["--config", str(wide), "--out", str(tmp_path), *few], Trt(), standin_gpu(kernels, graphs=Graphs())) == 0
    said = capsys.readouterr().out
    assert "ok    kerbside-reader fp32" in said and "ok    events fp32" in said
    stored = json.loads(next(tmp_path.glob("gpu-check-*.json")).read_text())
    assert stored["conditions"]["gpu"] == "Stand-in (sm_87)" and len(stored["checks"]) == 9
    rows = list(csv.DictReader(next(tmp_path.glob("gpu-check-*.csv")).open()))
    assert {(row["mode"], row["graphs"]) for row in rows} == {(mode, graphs) for mode in ("sync", "async") for graphs in ("True", "False")}
    assert all(float(row["fps"]) > 0 and 0 < float(row["gpu_busy"]) <= 1 for row in rows)


def test_a_precision_that_cannot_be_built_is_a_failure(
    kernels: Path, wide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trt = Trt(breaks="build")
    assert main(["--config", str(wide), "--out", str(tmp_path), "--frames", "30", "--precision", "fp16"], trt, standin_gpu(kernels)) == 1
    assert "FAIL  fp16: detector.onnx: TensorRT 10.3.0 builds no fp16 engine: Could not find any implementation" in capsys.readouterr().out
