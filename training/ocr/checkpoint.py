"""A trained reader out of its training's checkpoint."""

from __future__ import annotations

from pathlib import Path

from training.ocr.network import ReaderNet
from training.run import load


def averaged(checkpoint: Path) -> ReaderNet:
    """The averaged weights, ready to read. Exits with a hint where there is no checkpoint."""
    found = load(checkpoint)
    if found is None:
        raise SystemExit(f"{checkpoint}: no such file; train the reader first: python -m training.ocr --out {checkpoint.parent}")
    net = ReaderNet(found["average"]["place"].shape[-1])
    net.load_state_dict(found["average"])
    return net.eval()
