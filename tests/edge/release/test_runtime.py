"""What an engine is made of: a release whose environment lacks some of it says so in words, and not with a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from edge.release import runtime

ROOT = Path(__file__).parents[3]
WITHOUT = "import runpy, sys; sys.modules.update(dict.fromkeys({hidden!r})); runpy.run_module('edge.release.selftest', None, '__main__')"


def selftest(config: Path, *hidden: str) -> subprocess.CompletedProcess[str]:
    """Of this checkout, in an interpreter that finds none of the `hidden` modules."""
    code = WITHOUT.format(hidden=hidden)
    command = [sys.executable, "-c", code, "--release", str(ROOT), "--config", str(config)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A unit's, that wants TensorRT."""
    fields = yaml.safe_load((ROOT / "config.yaml").read_text())
    fields |= {"engine": "tensorrt", "cameras": [{"id": "road", "source": "rtsp://192.0.2.1/a"}]}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(fields))
    return path


def test_here_everything_is_there_for_a_processor() -> None:
    assert runtime.lacking() + runtime.lacking("onnx") == []


def test_a_unit_without_tensorrt_is_told_all_that_is_missing(config: Path) -> None:
    done = selftest(config, "tensorrt", "pycuda")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith("engine: tensorrt cannot run in this environment: TensorRT cannot be imported (")
    assert "apt-get install python3-libnvinfer" in done.stderr and "; pycuda cannot be imported (" in done.stderr


@pytest.mark.parametrize(("module", "mend"), [("cv2", "apt-get install python3-opencv"), ("onnxruntime", "the release's lock has it")])
def test_what_every_unit_needs_is_told_before_anything_is_imported(module: str, mend: str) -> None:
    done = selftest(ROOT / "config.yaml", module)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith(f"this release cannot run in this environment: {module} cannot be imported (") and mend in done.stderr


def test_a_library_that_breaks_while_it_is_loaded_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenCV that was compiled for numpy 1 met numpy 2: what came was no ImportError."""
    (tmp_path / "onnxruntime.py").write_text("raise SystemError('of another numpy')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    assert runtime.lacking() == ["onnxruntime cannot be imported (SystemError: of another numpy): the release's lock has it"]
