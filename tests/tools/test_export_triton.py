"""The model repository: what is written, what stays, and what is refused. tests/edge/engines/test_triton.py serves one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from alpr import contract
from alpr.contract import ContractError
from edge.engines import EngineError
from edge.engines.triton.served import version_of
from tools.export_triton.__main__ import main
from tools.export_triton.config import Serving
from tools.export_triton.repository import export

MODELS = Path(__file__).parents[2] / "models"
SERVED = {"detector": "detection", "lpsr": "super_resolution", "reader": "ocr"}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The released models, to be changed."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in SERVED:
        for path in (MODELS / f"{name}.yaml", contract.load(MODELS / f"{name}.yaml").path):
            shutil.copyfile(path, folder / path.name)
    return folder


def change(path: Path, **fields: object) -> None:
    found = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(found | fields))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("platform", ["onnxruntime_onnx", "python"])
def test_the_released_models_become_a_repository(platform: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path), "--platform", platform]) == 0
    assert "tritonserver --model-repository" in capsys.readouterr().out
    code = ["model.py"] if platform == "python" else []
    for name, served in SERVED.items():
        model = contract.load(MODELS / f"{name}.yaml")
        version = tmp_path / served / version_of(model)
        assert files(version) == {"contract.yaml", "model.onnx", *code}
        assert contract.sha256_of(version / "model.onnx") == model.sha256
        text = (tmp_path / served / "config.pbtxt").read_text()
        assert f'name: "{served}"' in text and "dynamic_batching" in text and "max_batch_size: 16" in text and model.sha256 in text
    labels = (tmp_path / "ocr/characters.txt").read_text().splitlines()
    assert len(labels) == 10 * 37 and labels[:2] == ["1=0", "1=1"] and labels[36:38] == ["1=", "2=0"]


def test_the_next_release_stands_beside_the_last(models: Path, tmp_path: Path) -> None:
    out, reader = tmp_path / "out", models / "reader.yaml"
    export(reader, out, Serving())
    change(reader, version="9.0.0")
    export(reader, out, Serving())
    now = version_of(contract.load(MODELS / "reader.yaml"))
    assert {path.name for path in (out / "ocr").iterdir() if path.is_dir()} == {now, "9000000"}
    assert len(re.findall(r'key: "sha256_\d+"', (out / "ocr/config.pbtxt").read_text())) == 2


def test_exporting_again_gives_the_same(models: Path, tmp_path: Path) -> None:
    for _ in range(2):
        home = export(models / "lpsr.yaml", tmp_path / "out", Serving("python"))
    found = {name: (home / name).read_bytes() for name in files(home)}
    again = export(models / "lpsr.yaml", tmp_path / "out", Serving("python"))
    assert {name: (again / name).read_bytes() for name in files(again)} == found


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sha256": "0" * 64}, "the file is damaged or not the released one"),
        ({"outputs": ["text"]}, "export both together"),
        ({"input": {"name": "image", "layout": "NCHW", "colour": "RGB", "range": [0, 1], "size_px": [48, 96]}}, "its contract says"),
        ({"version": "next"}, "expected three numbers"),
    ],
)
def test_a_model_that_its_contract_does_not_speak_truly_of_is_refused(
    models: Path, tmp_path: Path, fields: dict[str, object], said: str
) -> None:
    change(models / "reader.yaml", **fields)
    with pytest.raises((ContractError, EngineError), match=said):
        export(models / "reader.yaml", tmp_path / "out", Serving())
    assert not (tmp_path / "out").exists()


def test_a_refused_model_is_told_and_the_others_are_written(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(models / "reader.yaml", sha256="0" * 64)
    assert main(["--out", str(tmp_path / "out"), "--models", *map(str, sorted(models.glob("*.yaml")))]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("refused: ") and "reader.onnx" in said.err and said.out.count("wrote") == 2


def test_a_plan_is_built_on_the_server_and_then_taken(models: Path, tmp_path: Path) -> None:
    serving = Serving("tensorrt_plan", largest_batch=8)
    with pytest.raises(EngineError, match=r"trtexec --onnx=\S+ --minShapes=image:1x3x32x96 .*--maxShapes=image:8x3x64x192 .*--plans"):
        export(models / "lpsr.yaml", tmp_path / "out", serving)
    assert not (tmp_path / "out").exists()
    (tmp_path / "lpsr.plan").write_bytes(b"built on the server")
    home = export(models / "lpsr.yaml", tmp_path / "out", serving, plans=tmp_path)
    assert (home / version_of(contract.load(models / "lpsr.yaml")) / "model.plan").read_bytes() == b"built on the server"
    assert 'platform: "tensorrt_plan"' in (home / "config.pbtxt").read_text()


def test_a_model_that_units_run_themselves_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="corners, which a unit runs itself"):
        export(MODELS / "corners.yaml", tmp_path / "out", Serving())
    assert not (tmp_path / "out").exists()
