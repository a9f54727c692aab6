"""Contracts: the released form is read, everything else is refused with what is wrong."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
import yaml

from alpr.contract import Contract, ContractError, _digest, load, sha256_of
from alpr.types import ALPHABET

MODEL = b"not really a model"


def written(folder: Path, **changes: object) -> Path:
    """A valid reader's contract beside its file, with some keys changed; None removes a key."""
    fields: dict[str, object] = {
        "name": "reader", "kind": "ocr", "version": "1.2", "file": "reader.onnx", "sha256": hashlib.sha256(MODEL).hexdigest(),
        "licence": "Apache-2.0", "outputs": ["lattice", "two_lines"], "alphabet": ALPHABET, "trained_on": ["rendered"],
        "measured": {"vn-crops": 0.97}, "input": with_input(),
    }  # fmt: skip
    fields.update(changes)
    (folder / "reader.onnx").write_bytes(MODEL)
    path = folder / "reader.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in fields.items() if value is not None}), encoding="utf-8")
    return path


def with_input(**changes: object) -> dict[str, object]:
    return {"name": "plates", "layout": "NCHW", "colour": "RGB", "range": [0, 1], "size_px": [64, 128], **changes}


def test_a_valid_contract_is_read(tmp_path: Path) -> None:
    contract = load(written(tmp_path, input=with_input(multiple_px=32, other_sizes_px=[[32, 64]])))
    assert isinstance(contract, Contract) and contract.path == tmp_path / "reader.onnx" and contract.outputs == ("lattice", "two_lines")
    assert contract.input.size_px == (64, 128) and contract.input.multiple_px == 32 and contract.input.other_sizes_px == ((32, 64),)
    assert contract.trained_on == ("rendered",) and contract.measured == {"vn-crops": 0.97}


def test_a_hash_in_capitals_is_the_same_hash(tmp_path: Path) -> None:
    assert load(written(tmp_path, sha256=hashlib.sha256(MODEL).hexdigest().upper())).sha256 == hashlib.sha256(MODEL).hexdigest()


def test_a_detector_needs_no_alphabet(tmp_path: Path) -> None:
    assert load(written(tmp_path, kind="detection", alphabet=None)).alphabet == ""


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "magic"}, "kind is 'magic', expected one of detection, corners, sr, ocr"),
        ({"licence": None, "sha256": None}, "lacks sha256, licence"),
        ({"alphabet": "ABC"}, "this reader is not ours"),
        ({"alphabet": None}, "this reader is not ours"),
        ({"sha256": "0" * 64}, "its contract says 0000000000000000…: the file is damaged"),
        ({"file": "gone.onnx"}, "cannot be read"),
        ({"file": "."}, "file is '.', expected the name of a file beside the contract"),
        ({"outputs": "lattice"}, "outputs is 'lattice', expected a list"),
        ({"trained_on": "rendered"}, "trained_on is 'rendered', expected a list"),
        ({"measured": "well"}, "measured is 'well', expected a mapping"),
        ({"input": "picture"}, "input: expected a mapping, found str"),
        ({"input": {"name": "x"}}, "lacks input.layout, input.colour"),
        ({"input": with_input(colour="BGR")}, "input.colour is 'BGR'; this version prepares 'RGB' alone"),
        ({"input": with_input(range=[-1, 1])}, "input.range is [-1, 1]"),
        ({"input": with_input(size_px=[64])}, "input.size_px is [64], expected [height, width]"),
        ({"input": with_input(size_px=[64, 0])}, "input.size_px is [64, 0]"),
        ({"input": with_input(multiple_px=0)}, "input.multiple_px is 0, expected a whole number from 1 to 16384"),
        ({"input": with_input(multiple_px="many")}, "input.multiple_px is 'many'"),
        ({"input": with_input(other_sizes_px=3)}, "other_sizes_px is 3, expected a list"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_a_broken_contract_is_refused_with_what_is_wrong(tmp_path: Path, changes: dict, says: str) -> None:
    with pytest.raises(ContractError, match=re.escape(says)) as error:
        load(written(tmp_path, **changes))
    assert str(tmp_path) in str(error.value), "the message names the file"


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"a: [", "is not YAML"), (b"\xff\xfe\x00", "is not YAML"), (b"- 1", "found list"), (b"", "found NoneType")],
)
def test_a_file_that_is_no_contract_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "reader.yaml"
    path.write_bytes(content)
    with pytest.raises(ContractError, match=says):
        load(path)


def test_a_missing_contract_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="every model needs its contract beside it"):
        load(tmp_path / "none.yaml")


def test_the_hash_may_be_left_unchecked(tmp_path: Path) -> None:
    assert load(written(tmp_path, sha256="0" * 64), verify=False).sha256 == "0" * 64


def test_both_ways_to_hash_agree(tmp_path: Path) -> None:
    """Python 3.10 takes the other one."""
    path = tmp_path / "large"
    path.write_bytes(b"x" * (3 << 20))
    with path.open("rb") as file:
        assert _digest(file) == sha256_of(path) == hashlib.sha256(b"x" * (3 << 20)).hexdigest()


@pytest.mark.parametrize("file", ["/dev/zero", "../other/reader.onnx", "models/reader.onnx", "a\0b", ["reader.onnx"]])
def test_a_contract_speaks_of_a_file_beside_it_alone(tmp_path: Path, file: object) -> None:
    """Of /dev/zero the hash was never done, and a name with \\0 was a ValueError from deep inside."""
    with pytest.raises(ContractError, match="expected"):
        load(written(tmp_path, file=file))


@pytest.mark.parametrize("size_px", [[True, True], [2**40, 64], [64, 0], [64.0, 64]])
def test_a_size_is_one_that_a_picture_can_have(tmp_path: Path, size_px: list) -> None:
    """`true` counted as 1."""
    with pytest.raises(ContractError, match=r"expected \[height, width\] in pixels, 1 to 16384 each"):
        load(written(tmp_path, input=with_input(size_px=size_px)))


def test_yaml_that_nobody_expects_is_a_contract_error(tmp_path: Path) -> None:
    """ValueError, KeyError, IndexError and RecursionError came out of PyYAML; `tests/alpr/test_document.py` has them all."""
    path = tmp_path / "reader.yaml"
    for text in ("version: 2024-13-45T99:00:00Z\n", "name: !!int ''\n", "name: " + "[" * 3000, f"version: {'9' * 5000}\n", "- 1"):
        path.write_text(text)
        with pytest.raises(ContractError, match=str(path)):
            load(path)
