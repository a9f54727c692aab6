"""A trained reader out of its training's checkpoint, or out of a release."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from training.ocr.network import ReaderNet
from training.run import load


def averaged(checkpoint: Path) -> ReaderNet:
    """The averaged weights of a checkpoint.pt, or those of a reader.safetensors, ready to read. Exits with a hint where there is none."""
    if not checkpoint.exists():
        raise SystemExit(f"{checkpoint}: no such file; train the reader first: python -m training.ocr --out {checkpoint.parent}")
    weights = load_file(checkpoint) if checkpoint.suffix == ".safetensors" else (load(checkpoint) or {})["average"]
    return from_weights(weights)


def from_weights(weights: Mapping[str, Tensor]) -> ReaderNet:
    """A reader whose width is read off its weights."""
    net = ReaderNet(weights["place"].shape[-1])
    net.load_state_dict({"temperature": torch.ones(()), **weights})  # a training's own weights may come from before it was fitted
    return net.eval()
