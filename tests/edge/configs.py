"""Configs on disk for the tests of edge.config, with models that their contracts speak truly of."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from alpr.types import ALPHABET
from edge.config import ConfigError, load

LEAST = """
device: {id: unit-1}
cameras:
  - id: road
    source: rtsp://192.0.2.1/a
"""


def write_model(folder: Path, stage: str, kind: str) -> None:
    """A model that a contract speaks truly of; nothing here runs it."""
    weights = stage.encode()
    (folder / f"{stage}.onnx").write_bytes(weights)
    contract = {
        "name": stage, "kind": kind, "version": "1", "file": f"{stage}.onnx", "sha256": hashlib.sha256(weights).hexdigest(),
        "licence": "Apache-2.0", "outputs": ["out"], "trained_on": ["rendered"], "measured": {}, "alphabet": ALPHABET,
        "input": {"name": "x", "layout": "NCHW", "colour": "RGB", "range": [0, 1], "size_px": [32, 96]},
    }  # fmt: skip
    (folder / f"{stage}.yaml").write_text(yaml.safe_dump(contract))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the models that the shipped config names, and a password."""
    (tmp_path / "models").mkdir()
    for stage, kind in (("detector", "detection"), ("corners", "corners"), ("lpsr", "sr"), ("reader", "ocr")):
        write_model(tmp_path / "models", stage, kind)
    (tmp_path / "secret").write_text("c0rrecthorse\n")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text.lstrip("\n"), encoding="utf-8")
    return path


def refused(folder: Path, text: str, **more: Any) -> list[str]:
    """What is said about a config, a line each."""
    with pytest.raises(ConfigError) as caught:
        load(written(folder, text), **more)
    return str(caught.value).split("\n  ")[1:]


def only(folder: Path, text: str, **more: Any) -> str:
    lines = refused(folder, text, **more)
    assert len(lines) == 1, lines
    return lines[0]
