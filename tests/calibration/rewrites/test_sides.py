"""Reshapes that say what they keep."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from calibration import graph as graphs
from calibration.rewrites.sides import settled
from tests.calibration.rewrites.running import outputs, same
from training.release import export_onnx


class Heads(nn.Module):
    """What an attention does to its rows, and what a detector does to its points."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        rows = image.flatten(2)
        parts = rows.unflatten(-1, (2, -1)).transpose(1, 2)
        return parts * (parts.shape[2] ** -0.5)


class Turned(nn.Module):
    """A shape that is not the Reshape's own."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image.reshape(image.shape[0], 3, image.shape[3], image.shape[2])


def loaded(net: nn.Module, path: Path):
    export_onnx(net, path, ["out"], (16, 32), True)
    return graphs.load(path)


def test_shapes_are_not_put_together_at_every_run(tmp_path: Path) -> None:
    before = loaded(Heads(), tmp_path / "heads.onnx")
    after = settled(before)
    assert same(before, after, (1, 3, 16, 32), (2, 3, 4, 6))
    assert "Concat" in {node.op for node in before.nodes} and not {"Concat", "Slice"} & {node.op for node in after.nodes}


def test_another_shape_is_left_alone(tmp_path: Path) -> None:
    before = loaded(Turned(), tmp_path / "turned.onnx")
    after = settled(before)
    assert same(before, after, (1, 3, 16, 32), (2, 3, 4, 6)) and outputs(after, torch.zeros(1, 3, 4, 6).numpy())[0].shape == (1, 3, 6, 4)
