"""Small and freshly initialised networks of the three kinds, exported as a release is."""

from __future__ import annotations

from pathlib import Path

import torch
import yaml

from alpr.contract import Contract, load, sha256_of
from alpr.types import ALPHABET
from training import release
from training.detector.export import export_onnx
from training.detector.network import Detector
from training.lpsr.network import LPSR
from training.ocr.network import ReaderForExport, ReaderNet

NAMES = {"detection": "detector", "sr": "lpsr", "ocr": "reader"}
OUTPUTS = {"detection": ["scores", "boxes", "quads"], "sr": ["enhanced"], "ocr": ["probabilities", "two_lines"]}
SIZES = {
    "detection": {"size_px": [640, 640], "multiple_px": 32},
    "sr": {"size_px": [32, 192], "other_sizes_px": [[64, 96]]},
    "ocr": {"size_px": [64, 128]},
}


def exported(kind: str, folder: Path) -> Contract:
    """A network of a kind, its weights random but for the seed, with its contract."""
    torch.manual_seed(7)
    path = folder / f"{NAMES[kind]}.onnx"
    if kind == "detection":
        export_onnx(Detector((16, 16, 32, 32, 32), (32, 32, 32), 32).eval(), path)
    elif kind == "sr":
        net = LPSR(channels=32, growth=16, blocks=2, layers=2)
        torch.nn.init.normal_(net.leave[0].weight, std=0.05)  # from 0 it would be the identity, which no quantisation changes
        release.export_onnx(net, path, OUTPUTS[kind], (32, 192), True)
    else:
        release.export_onnx(ReaderForExport(ReaderNet(width=64, blocks=(1, 1), layers=1)), path, OUTPUTS[kind], (64, 128), False)
    return described(kind, path)


def described(kind: str, path: Path) -> Contract:
    fields = {
        "name": f"test-{NAMES[kind]}", "kind": kind, "version": "0", "file": path.name, "sha256": sha256_of(path), "licence": "Apache-2.0",
        "input": {"name": "image", "layout": "NCHW", "colour": "RGB", "range": [0, 1], **SIZES[kind]},
        "outputs": OUTPUTS[kind], "alphabet": ALPHABET, "trained_on": ["nothing"], "measured": {},
    }  # fmt: skip
    written = path.with_suffix(".yaml")
    written.write_text(yaml.safe_dump(fields))
    return load(written)
