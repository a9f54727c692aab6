"""Which file the CPU runs: INT8 where it passed and the processor sums in 32 bits, as asked for otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from alpr.contract import Contract, ContractError, InputSpec, Variant, sha256_of
from edge.engines.onnx import chosen, has_dot_products

VNNI, OLD = "flags\t\t: fpu avx2 avx512_vnni", "flags\t\t: fpu sse4_2 avx2"
ARM = "Features\t: fp asimd aes asimddp"


def contract(folder: Path, passed: bool | None) -> Contract:
    float_file, int8_file = folder / "reader.onnx", folder / "reader.cpu-int8.onnx"
    float_file.write_bytes(b"float")
    int8_file.write_bytes(b"int8")
    variants = {} if passed is None else {"cpu-int8": Variant(int8_file, sha256_of(int8_file), passed)}
    spec = InputSpec("image", (64, 128))
    return Contract(float_file, "reader", "ocr", "1", sha256_of(float_file), "Apache-2.0", spec, ("p",), "", (), {}, variants)


def cpuinfo(folder: Path, text: str) -> Path:
    path = folder / "cpuinfo"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("precision", "passed", "processor", "file"),
    [
        ("auto", True, VNNI, "reader.cpu-int8.onnx"),
        ("auto", True, ARM, "reader.cpu-int8.onnx"),
        ("auto", True, OLD, "reader.onnx"),
        ("auto", False, VNNI, "reader.onnx"),
        ("auto", None, VNNI, "reader.onnx"),
        ("fp32", True, VNNI, "reader.onnx"),
        ("int8", False, OLD, "reader.cpu-int8.onnx"),
    ],
)
def test_the_file_is_the_one_that_may_be_used(tmp_path: Path, precision: str, passed: bool | None, processor: str, file: str) -> None:
    found = chosen(contract(tmp_path, passed), precision, cpuinfo(tmp_path, processor))
    assert found.path.name == file and found.sha256 == sha256_of(tmp_path / file) and found.name == "reader"


def test_int8_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"has no variant 'cpu-int8' .*calibration quantise"):
        chosen(contract(tmp_path, None), "int8")


def test_a_damaged_int8_file_is_refused(tmp_path: Path) -> None:
    made = contract(tmp_path, True)
    (tmp_path / "reader.cpu-int8.onnx").write_bytes(b"cut")
    with pytest.raises(ContractError, match="the file is damaged"):
        chosen(made, "int8")


def test_where_nothing_is_known_of_the_processor_float_runs(tmp_path: Path) -> None:
    assert not has_dot_products(tmp_path / "none")
