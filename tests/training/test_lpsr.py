"""LPSR's network, losses and pairs."""

from __future__ import annotations

import pytest
import torch

from alpr.imaging import ONE_LINE_PX, TWO_LINE_PX
from training.lpsr import losses
from training.lpsr.data import Pairs
from training.lpsr.network import LPSR, AutoEncoder, ChannelSpatialAttention


@pytest.mark.parametrize("size", [ONE_LINE_PX, TWO_LINE_PX])
def test_untrained_it_is_the_identity_on_both_canvases(size: tuple[int, int]) -> None:
    image = torch.rand(2, 3, *size) * 0.96 + 0.02
    with torch.no_grad():
        assert torch.allclose(LPSR().eval()(image), image, atol=1e-4)


def test_its_output_stays_in_range_whatever_it_learned() -> None:
    torch.manual_seed(1)
    net = LPSR(8, 4, 1, 2)
    torch.nn.init.normal_(net.leave[0].weight, std=3.0)
    made = net(torch.rand(1, 3, 32, 192))
    assert made.min() >= 0 and made.max() <= 1 and torch.isfinite(made).all()


@pytest.mark.parametrize("options", [{"attention": False}, {"auto_encoder": False}])
def test_parts_can_be_left_out_for_an_ablation(options: dict[str, bool]) -> None:
    whole, less = LPSR(8, 4, 2, 2), LPSR(8, 4, 2, 2, **options)
    assert sum(p.numel() for p in less.parameters()) < sum(p.numel() for p in whole.parameters())
    assert less(torch.rand(1, 3, 32, 192)).shape == (1, 3, 32, 192)


def test_blocks_keep_shape_and_every_parameter_gets_a_gradient() -> None:
    for block in (AutoEncoder(8), ChannelSpatialAttention(8)):
        assert block(torch.rand(1, 8, 16, 48)).shape == (1, 8, 16, 48)
    torch.manual_seed(0)
    net = LPSR(32, 8, 2, 2)
    torch.nn.init.normal_(net.leave[0].weight)
    net(torch.rand(1, 3, 32, 192)).mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for name, p in net.named_parameters() if "bias" not in name)


def test_losses_are_zero_on_the_truth_and_edges_see_blur() -> None:
    truth = (torch.rand(1, 3, 32, 192) > 0.5).float()
    blurred = torch.nn.functional.avg_pool2d(truth, 3, 1, 1)
    assert losses.pixel(truth, truth) < 2e-3 and losses.edge(truth, truth) == 0
    assert losses.edge(blurred, truth) > 0.1


def test_pairs_show_the_same_plate_on_one_canvas_a_batch() -> None:
    sizes = set()
    for (degraded, clean, targets, lines), _ in zip(Pairs((5,), 4), range(8), strict=False):
        assert degraded.shape == clean.shape and degraded.shape[0] == targets.shape[0] == lines.shape[0] == 4
        sizes.add(tuple(clean.shape[2:]))
        light = [picture.float().mean((1, 2, 3)) for picture in (degraded, clean)]
        assert not torch.equal(degraded, clean) and (light[0] - light[1]).abs().mean() < 120
    assert sizes == {ONE_LINE_PX, TWO_LINE_PX}
