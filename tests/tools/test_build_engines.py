"""tools.build_engines with stand-ins for TensorRT and CUDA: builds what is missing, chooses what is fast and true, and says why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from alpr import contract
from alpr.contract import Variant
from tests.edge.engines.tensorrt.cuda_standin import standin_gpu
from tests.edge.engines.tensorrt.trt_standin import Trt
from tools.build_engines.__main__ import main
from tools.build_engines.gate import recorded

ROOT = Path(__file__).parents[2]


pytestmark = pytest.mark.usefixtures("hurried")


def test_engines_are_built_once(config: Path, kernels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--config", str(config), "--precision", "fp16", "--only", "reader"]
    for said in ("kerbside-reader fp16: built in", "is there", "built in"):
        assert main(options, Trt(), standin_gpu(kernels)) == 0
        assert said in capsys.readouterr().out
        options += ["--again"] if said == "is there" else []
    built = json.loads(next((config.parent / "engines").glob("kerbside-reader.fp16.*.json")).read_text())
    assert built["ms"].keys() == {f"{batch}x3x64x128" for batch in (1, 2, 4, 8, 16)}


def test_a_config_with_secrets_is_read_without_them(
    config: Path, kernels: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As kerbside-engines@N.service runs it, with --models and no credential: a camera's password in the config kept it from building."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    fields = yaml.safe_load(config.read_text())
    fields["cameras"] = [{"id": "road", "source": "rtsp://viewer:${CAMERA_PASSWORD}@192.0.2.10/stream1"}]
    fields["mqtt"] = {"user": "unit", "password_file": "${CREDENTIALS_DIRECTORY}/mqtt-password"}
    config.write_text(yaml.safe_dump(fields))
    options = ["--config", str(config), "--models", str(ROOT / "models"), "--precision", "fp32", "--only", "reader"]
    assert main(options, Trt(), standin_gpu(kernels)) == 0, capsys.readouterr().err
    assert "kerbside-reader fp32: built in" in capsys.readouterr().out


def test_another_tensorrt_builds_again_and_says_why(config: Path, kernels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--config", str(config), "--precision", "fp32", "--only", "detector"]
    assert main(options, Trt("10.3.0"), standin_gpu(kernels)) == 0
    assert main(options, Trt("10.13.3"), standin_gpu(kernels)) == 0
    assert "building: kerbside-detector fp32: " in capsys.readouterr().out.split("\n", 2)[2]


def test_auto_takes_the_fastest_that_the_gate_lets_through(config: Path, kernels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def gate(model: contract.Contract, precision: str, strong: bool) -> str:
        return "" if precision == "fp16" else f"{precision} is not wanted"

    assert main(["--config", str(config), "--only", "reader"], Trt(), standin_gpu(kernels), gate) == 0
    (model, chosen), *others = json.loads((config.parent / "engines/chosen.json").read_text()).items()
    assert not others and model == f"kerbside-reader {contract.load(ROOT / 'models/reader.yaml').sha256[:12]}"
    assert chosen["precision"] == "fp16" and chosen["refused"] == {"fp32": "fp32 is not wanted", "int8": "int8 is not wanted"}
    assert main(["--config", str(config), "--only", "reader"], Trt(), standin_gpu(kernels), lambda model, precision, strong: "no") == 1
    assert "no precision can be used" in capsys.readouterr().err


def test_the_gate_goes_by_what_the_contract_holds() -> None:
    found = {name: Variant(Path(f"{name}.onnx"), "0", passed) for name, passed in (("fp16", True), ("int8", True), ("int8-fp16", False))}
    model = replace(contract.load(ROOT / "models/reader.yaml"), variants=found)
    assert recorded(model, "fp32", True) == recorded(model, "fp16", False) == recorded(model, "int8", False) == ""
    assert recorded(model, "int8", True) == "its variant int8-fp16 lost more than the gate allows"
    assert "has no variant fp16" in recorded(replace(model, variants={}), "fp16", False)


def test_the_device_is_described(config: Path, kernels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(config), "--device-info"], Trt("11.4.1", dla_cores=2), standin_gpu(kernels, integrated=True)) == 0
    said = capsys.readouterr().out
    assert "Stand-in (sm_87), shares its memory" in said and "TensorRT  11.4.1, strongly typed" in said and "DLA       2 cores" in said


def test_a_machine_without_tensorrt_builds_nothing(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(config)]) == 1
    assert "TensorRT cannot be imported" in capsys.readouterr().err
