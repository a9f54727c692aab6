"""HR+: the networks, official checkpoints by path, and cleaning that keeps a picture's size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from training.hrplus.clean import cleaned
from training.hrplus.data import SIZE_PX, Pairs
from training.hrplus.network import RRDBNet, UNetDiscriminator, from_checkpoint

NAMES = {"conv_first.weight", "conv_body.bias", "conv_up1.weight", "conv_up2.weight", "conv_hr.weight", "conv_last.bias"}


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_it_enlarges_by_its_scale(scale: int) -> None:
    net = RRDBNet(scale, 8, 1, 4)
    assert net(torch.rand(2, 3, 16, 32)).shape == (2, 3, 16 * scale, 32 * scale)


def test_layers_bear_the_official_names_and_shapes() -> None:
    """RealESRGAN_x4plus has 64 channels, 23 blocks, growth 32: 16,697,987 parameters."""
    official = RRDBNet(4, 64, 23, 32)
    assert sum(parameter.numel() for parameter in official.parameters()) == 16_697_987
    names = official.state_dict()
    assert names.keys() >= NAMES and names["body.22.rdb3.conv5.weight"].shape == (64, 192, 3, 3)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_checkpoint_in_the_official_form_loads_by_path(tmp_path: Path, scale: int) -> None:
    net = RRDBNet(scale, 16, 2, 8)
    torch.save({"params_ema": net.state_dict()}, tmp_path / "RealESRGAN.pth")
    found, image = from_checkpoint(tmp_path / "RealESRGAN.pth"), torch.rand(1, 3, 8, 16)
    assert found.scale == scale and torch.equal(found(image), net(image))


def test_another_network_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    torch.save({"params": {"head.weight": torch.zeros(1)}}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="expected RealESRGAN_x4plus"):
        from_checkpoint(tmp_path / "other.pth")


def test_cleaning_keeps_any_size_and_an_untrained_residual_net_nearly_keeps_the_picture() -> None:
    net = RRDBNet(2, 8, 1, 4, residual=True)
    torch.nn.init.zeros_(net.conv_last.weight)
    torch.nn.init.zeros_(net.conv_last.bias)
    bgr = np.repeat(np.linspace(0, 255, 61).astype(np.uint8)[None, :, None], 23, 0).repeat(3, 2)
    made = cleaned(net.eval(), bgr)
    assert made.shape == bgr.shape and np.abs(made.astype(int) - bgr).max() <= 3


def test_the_discriminator_judges_every_pixel() -> None:
    assert UNetDiscriminator(8)(torch.rand(1, 3, 32, 64)).shape == (1, 1, 32, 64)


def test_pairs_are_a_small_poor_plate_and_the_same_one_at_twice_the_size() -> None:
    degraded, clean, targets, lines = next(iter(Pairs((3,))))
    assert degraded.shape == (3, *SIZE_PX) and clean.shape == (3, 2 * SIZE_PX[0], 2 * SIZE_PX[1])
    assert targets.dtype == torch.int64 and lines.item() in (0.0, 1.0)
