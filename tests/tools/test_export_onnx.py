"""Weights become ONNX for every kind of model; weights of another kind are refused and nothing is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from tools.export_onnx import main
from training.cyclegan.network import Makers
from training.lpsr.network import LPSR

ROOT = Path(__file__).parents[2]
RELEASED = {"sr": "lpsr", "detection": "detector", "corners": "corners", "ocr": "reader"}


@pytest.mark.parametrize("model_type", RELEASED)
def test_a_release_exports_to_what_it_ships(model_type: str, tmp_path: Path) -> None:
    name = RELEASED[model_type]
    output = tmp_path / "out.onnx"
    assert main(["--model-type", model_type, "--weights", str(ROOT / f"models/{name}.safetensors"), "--output", str(output)]) == 0
    size = {"sr": (64, 96), "corners": (48, 96)}.get(model_type, (64, 128))
    image = np.random.default_rng(0).random((1, 3, *size), np.float32)
    ours, shipped = (
        ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"image": image})
        for path in (output, ROOT / f"models/{name}.onnx")
    )
    assert all(np.allclose(a, b, atol=1e-4) for a, b in zip(ours, shipped, strict=True))


def test_an_ablated_lpsr_and_a_degradation_export_from_checkpoints(tmp_path: Path) -> None:
    torch.save({"average": LPSR(8, 4, 2, 2, attention=False).state_dict()}, tmp_path / "lpsr.pt")
    torch.save({"average": Makers(8, 4).state_dict()}, tmp_path / "cyclegan.pt")
    for model_type, name in (("sr", "lpsr.pt"), ("degradation", "cyclegan.pt")):
        output = tmp_path / f"{model_type}.onnx"
        assert main(["--model-type", model_type, "--weights", str(tmp_path / name), "--output", str(output)]) == 0
        assert output.stat().st_size > 1000


def test_weights_of_another_kind_are_refused_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out" / "x.onnx"
    assert main(["--model-type", "ocr", "--weights", str(ROOT / "models/lpsr.safetensors"), "--output", str(output)]) == 1
    assert main(["--model-type", "ocr", "--weights", str(tmp_path / "none.pt"), "--output", str(output)]) == 1
    assert not output.exists()
    assert "cannot be exported as ocr" in (said := capsys.readouterr().err) and "no such file" in said
