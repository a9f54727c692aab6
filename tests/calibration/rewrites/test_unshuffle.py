"""A pixel unshuffle that a convolution does itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from calibration import graph as graphs
from calibration.rewrites import unshuffle
from tests.calibration.rewrites.running import same
from training.release import export_onnx


def exported(net: nn.Module, path: Path) -> Path:
    torch.manual_seed(0)
    export_onnx(net.eval(), path, ["out"], (16, 32), True)
    return path


@pytest.mark.parametrize("kernel", [3, 5])
def test_it_is_seen_as_torch_writes_it(kernel: int, tmp_path: Path) -> None:
    """A 3x3 convolution takes it up; before any other it stays."""
    net = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, 16, kernel, padding=kernel // 2), nn.ReLU())
    before = graphs.load(exported(net, tmp_path / "net.onnx"))
    after = before.copy()
    layer = graphs.weighted(before)[0].name
    assert unshuffle.rewrite(after, {layer}) == ({f"{layer}/strided"} if kernel == 3 else set())
    after = graphs.inferred(after)
    assert same(before, after, (1, 3, 16, 32), (2, 3, 8, 6))
    assert ("Transpose" in {node.op for node in after.nodes}) == (kernel == 5)


def test_a_float_layer_remains_float(tmp_path: Path) -> None:
    after = graphs.load(exported(nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, 16, 3, padding=1)), tmp_path / "net.onnx"))
    assert unshuffle.rewrite(after, set()) == set() and "Transpose" not in {node.op for node in after.nodes}
