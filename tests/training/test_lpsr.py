"""LPSR's network, losses and pairs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from alpr.imaging import ONE_LINE_PX, TWO_LINE_PX
from alpr.types import ALPHABET
from training.lpsr import losses
from training.lpsr.data import UNKNOWN, Folders, Pairs
from training.lpsr.network import LPSR, AutoEncoder, ChannelSpatialAttention
from training.ocr.network import CLASSES, SLOTS, ReaderNet


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


def test_folders_pair_pictures_by_name_and_read_the_text_from_it(tmp_path: Path) -> None:
    picture = np.full((32, 192, 3), 200, np.uint8)
    for folder in ("lr", "hr"):
        (tmp_path / folder).mkdir()
        for name in ("51F12345_1.png", "IMG-0007.png"):
            cv2.imwrite(str(tmp_path / folder / name), picture)
    folders = Folders(tmp_path / "lr", tmp_path / "hr", ONE_LINE_PX, 2, None)
    [(degraded, _, targets, _)] = list(folders)
    assert degraded.shape == (2, 3, 32, 192)
    assert "".join(ALPHABET[i] for i in targets[0][:8]) == "51F12345" and (targets[1] == UNKNOWN).all()


def test_folders_name_the_picture_that_has_no_twin(tmp_path: Path) -> None:
    for folder in ("lr", "hr"):
        (tmp_path / folder).mkdir()
    cv2.imwrite(str(tmp_path / "hr" / "51F12345.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="51F12345"):
        Folders(tmp_path / "lr", tmp_path / "hr", ONE_LINE_PX, 2, None)


def test_characters_that_the_reader_confuses_come_to_weigh_more() -> None:
    judge = losses.Reading(ReaderNet(32, blocks=(1, 1), layers=1), confusion=1.0, memory=0.5)
    targets = torch.zeros(2, SLOTS, dtype=torch.int64)
    targets[1] = 1
    logits = torch.zeros(2, SLOTS, CLASSES)
    logits[1, :, 1] = 20.0  # sure of every 1, at a loss with every 0
    for _ in range(5):
        judge._learn(logits, targets)
    weights = judge.weights()
    assert weights[0] > 2 * weights[1] and weights.min() >= 1 / 3 and weights.max() <= 3
