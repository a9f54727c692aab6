"""A machine without TensorRT and CUDA runs everything else, and says what is missing when it is asked for a GPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge.config import ConfigError, load
from edge.engines import EngineError
from edge.unit import loop_from

ROOT = Path(__file__).parents[4]


def test_importing_the_gpu_s_rooms_imports_neither_tensorrt_nor_cuda() -> None:
    """In a fresh interpreter: whatever a third library drags in counts too."""
    paths = sorted(
        path
        for room in ("edge/engines/tensorrt", "edge/cuda", "tools/gpu_check", "tools/build_engines")
        for path in (ROOT / room).rglob("*.py")
    )
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    code = f"import sys, importlib\nfor name in {names!r}: importlib.import_module(name)\n"
    code += "print([name for name in ('tensorrt', 'pycuda', 'torch', 'training', 'calibration') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_a_canvas_that_no_detector_takes_is_told_by_its_line(tmp_path: Path) -> None:
    text = (ROOT / "config.yaml").read_text(encoding="utf-8").replace("models/", f"{ROOT}/models/")
    path = tmp_path / "config.yaml"
    path.write_text(text.replace("[[384, 640], [480, 640]]", "[[100, 640], [480]]"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    said = str(caught.value)
    assert "tensorrt.canvases_px[0][0] is 100, expected a multiple of 32 px" in said
    assert "tensorrt.canvases_px[1][1] is missing, expected a multiple of 32 px" in said


def test_a_config_that_asks_for_a_gpu_is_answered_in_words() -> None:
    try:
        import tensorrt  # noqa: F401
    except ImportError:
        config = load(ROOT / "config.yaml", {"engine": "tensorrt"})
        with pytest.raises(EngineError, match=r"TensorRT cannot be imported .* set engine: onnx"):
            loop_from(config)
