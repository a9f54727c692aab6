"""The YAML beside each model: what goes in, what comes out, where it comes from, and the hash of the file it speaks of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from alpr import document
from alpr.types import ALPHABET

KINDS = ("detection", "corners", "sr", "ocr")
REQUIRED = ("name", "kind", "version", "file", "sha256", "licence", "input", "outputs", "trained_on", "measured")
INPUT_REQUIRED = ("name", "layout", "colour", "range", "size_px")
LARGEST_PX = 16_384
VARIANTS = ("fp16", "int8", "int8-fp16", "cpu-int8")
"""The same model in other precisions: fp16 and int8-fp16 for TensorRT with strong typing, int8 for weak, cpu-int8 for onnxruntime."""


class ContractError(ValueError):
    """A model or its contract cannot be trusted; the message says which, why, and how to mend it."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How a picture becomes the model's tensor: NCHW float32 RGB in 0..1, or with `as_bytes` uint8 RGB in 0..255."""

    name: str
    size_px: tuple[int, int]  # (h, w): what it is drawn on; the longest side where `multiple_px` is given
    multiple_px: int = 1  # above 1: any size whose sides are multiples of this, up to size_px
    other_sizes_px: tuple[tuple[int, int], ...] = ()  # further (h, w) that the model was trained on
    as_bytes: bool = False


@dataclass(frozen=True, slots=True)
class Variant:
    """A file of the same model in another precision."""

    path: Path
    sha256: str
    passed: bool  # calibration's gate, on the evaluation sets: no more than half a point lost against the model's own file
    as_bytes: bool = False  # takes bytes, whatever the model's own file takes


@dataclass(frozen=True, slots=True)
class Contract:
    """A model's contract, checked: see `load`."""

    path: Path  # the ONNX file
    name: str
    kind: str
    version: str
    sha256: str
    licence: str
    input: InputSpec
    outputs: tuple[str, ...]
    alphabet: str  # "" where the model does not read
    trained_on: tuple[str, ...]
    measured: dict[str, Any]
    variants: Mapping[str, Variant] = field(default_factory=dict)  # by VARIANTS


def load(path: str | Path, verify: bool = True) -> Contract:
    """Read `model.yaml` and, unless told otherwise, check the hash of the model file that it names.

    Raises ContractError with the file, what was expected, what was found and how to mend it.
    """
    path = Path(path)
    fields = _fields(path)
    _refuse_missing(path, fields, REQUIRED)
    if fields["kind"] not in KINDS:
        raise ContractError(f"{path}: kind is {fields['kind']!r:.80}, expected one of {', '.join(KINDS)}")
    contract = Contract(
        path=_beside(path, "file", fields["file"]),
        name=_word(path, "name", fields["name"]),
        kind=fields["kind"],
        version=_word(path, "version", fields["version"]),
        sha256=_word(path, "sha256", fields["sha256"]).lower(),
        licence=_word(path, "licence", fields["licence"]),
        input=_input_spec(path, fields["input"]),
        outputs=_texts(path, fields, "outputs"),
        alphabet=str(fields.get("alphabet") or ""),
        trained_on=_texts(path, fields, "trained_on"),
        measured=_mapping(path, fields, "measured"),
        variants={name: _variant(path, name, given) for name, given in _mapping(path, {"variants": None, **fields}, "variants").items()},
    )
    if contract.kind == "ocr" and contract.alphabet != ALPHABET:
        raise ContractError(f"{path}: alphabet is {contract.alphabet!r:.80}, expected {ALPHABET!r}: this reader is not ours")
    if verify:
        check_hash(contract)
    return contract


def variant(contract: Contract, name: str) -> Contract:
    """The contract of the same model in another precision, its file checked. Raises ContractError where there is none."""
    if name not in contract.variants:
        has = ", ".join(contract.variants) or "none"
        raise ContractError(f"{contract.path}: has no variant {name!r} (it has {has}); make it with python -m calibration quantise")
    other = contract.variants[name]
    found = replace(contract, path=other.path, sha256=other.sha256, variants={}, input=replace(contract.input, as_bytes=other.as_bytes))
    check_hash(found)
    return found


def check_hash(contract: Contract) -> None:
    """Refuse a model file that is missing or is not the one its contract was written for."""
    try:
        found = sha256_of(contract.path)
    except OSError as error:
        raise ContractError(f"{contract.path}: cannot be read ({error.strerror}); fetch the released models again") from error
    if found != contract.sha256:
        raise ContractError(
            f"{contract.path}: sha256 is {found[:16]}…, its contract says {contract.sha256[:16]}…: "
            "the file is damaged or not the released one; fetch it again, or export model and contract together"
        )


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(file)


def _digest(file: Any) -> str:
    digest = hashlib.sha256()  # Python 3.10, JetPack 6's, has no file_digest
    for block in iter(lambda: file.read(1 << 20), b""):
        digest.update(block)
    return digest.hexdigest()


def _fields(path: Path) -> dict[str, Any]:
    try:
        fields = document.read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(f"{path}: cannot be read ({error.strerror}); every model needs its contract beside it") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContractError(f"{path}: is not YAML: {error}") from error
    if not isinstance(fields, dict):
        raise ContractError(f"{path}: expected a mapping, found {type(fields).__name__}")
    return fields


def _refuse_missing(path: Path, fields: dict[str, Any], required: tuple[str, ...]) -> None:
    missing = [key for key in required if key not in fields]
    if missing:
        raise ContractError(f"{path}: lacks {', '.join(missing)}")


def _input_spec(path: Path, fields: Any) -> InputSpec:
    if not isinstance(fields, dict):
        raise ContractError(f"{path}: input: expected a mapping, found {type(fields).__name__}")
    _refuse_missing(path, {f"input.{key}": None for key in fields}, tuple(f"input.{key}" for key in INPUT_REQUIRED))
    for key, only in (("layout", "NCHW"), ("colour", "RGB"), ("range", [0, 1])):
        if fields[key] != only:
            raise ContractError(f"{path}: input.{key} is {fields[key]!r:.80}; this version prepares {only!r} alone")
    return InputSpec(
        name=_word(path, "input.name", fields["name"]),
        size_px=_size(path, "size_px", fields["size_px"]),
        multiple_px=_count(path, "multiple_px", fields.get("multiple_px", 1)),
        other_sizes_px=tuple(_size(path, "other_sizes_px", size) for size in _list(path, "other_sizes_px", fields.get("other_sizes_px"))),
    )


def _variant(path: Path, name: str, fields: Any) -> Variant:
    if name not in VARIANTS:
        raise ContractError(f"{path}: variants.{name!s:.80}: expected one of {', '.join(VARIANTS)}")
    if not isinstance(fields, dict) or not {"file", "sha256", "passed"} <= set(fields) or not isinstance(fields["passed"], bool):
        raise ContractError(f"{path}: variants.{name} is {fields!r:.80}, expected file, sha256 and passed: true or false")
    if not isinstance(fields.get("as_bytes", False), bool):
        raise ContractError(f"{path}: variants.{name}.as_bytes is {fields['as_bytes']!r:.80}, expected true or false")
    sha256 = _word(path, f"variants.{name}.sha256", fields["sha256"]).lower()
    return Variant(_beside(path, f"variants.{name}.file", fields["file"]), sha256, fields["passed"], fields.get("as_bytes", False))


def _beside(path: Path, key: str, value: Any) -> Path:
    """A file of the contract's own folder: what is read to its end must be no device and nobody else's."""
    name = _word(path, key, value)
    if "\0" in name or Path(name).name != name:
        raise ContractError(f"{path}: {key} is {name!r:.80}, expected the name of a file beside the contract")
    return path.parent / name


def _word(path: Path, key: str, value: Any) -> str:
    if value is None or isinstance(value, list | dict):
        raise ContractError(f"{path}: {key} is {value!r:.80}, expected text")
    return str(value)


def _texts(path: Path, fields: dict[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_word(path, key, item) for item in _list(path, key, fields[key]))


def _list(path: Path, key: str, value: Any) -> list[Any]:
    if not isinstance(value, list | None):
        raise ContractError(f"{path}: {key} is {value!r:.80}, expected a list")
    return value or []


def _mapping(path: Path, fields: dict[str, Any], key: str) -> dict[str, Any]:
    if not isinstance(fields[key], dict | None):
        raise ContractError(f"{path}: {key} is {fields[key]!r:.80}, expected a mapping")
    return dict(fields[key] or {})


def _count(path: Path, key: str, value: Any) -> int:
    if not _is_side(value):
        raise ContractError(f"{path}: input.{key} is {value!r:.80}, expected a whole number from 1 to {LARGEST_PX}")
    return int(value)


def _size(path: Path, key: str, value: Any) -> tuple[int, int]:
    if not (isinstance(value, list) and len(value) == 2 and all(map(_is_side, value))):
        raise ContractError(f"{path}: input.{key} is {value!r:.80}, expected [height, width] in pixels, 1 to {LARGEST_PX} each")
    return value[0], value[1]


def _is_side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_PX
