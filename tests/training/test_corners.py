"""Corners: what the network is shown, what counts as wrong, and that it learns and is exported as it is."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from alpr.imaging import quad_size
from alpr.types import U8
from training.corners import __main__ as training
from training.corners import data, export
from training.corners.network import REST, CornerNet
from training.detector.composition import Sample
from training.run import save

TRUE = np.float32([[40, 40], [120, 50], [118, 76], [38, 66]])


def canvas(seed: int = 0) -> U8:
    """A light plate with dark strokes at TRUE on noise."""
    import cv2

    bgr = np.random.default_rng(seed).integers(40, 110, (120, 160, 3), dtype=np.uint8)
    cv2.fillConvexPoly(bgr, np.round(TRUE * 16).astype(np.int32), (230, 230, 230), cv2.LINE_AA, 4)
    for along in np.linspace(0.1, 0.9, 7):
        top, bottom = TRUE[0] + along * (TRUE[1] - TRUE[0]), TRUE[3] + along * (TRUE[2] - TRUE[3])
        ends = [tuple(int(v) for v in np.round((top + share * (bottom - top)) * 16)) for share in (0.2, 0.8)]
        cv2.line(bgr, *ends, (20, 20, 20), 2, cv2.LINE_AA, 4)
    return bgr


def sample(cornered: bool = True, ignored: bool = False) -> Sample:
    box = np.concatenate([TRUE.min(axis=0), TRUE.max(axis=0)])
    return Sample(canvas(), box[None], TRUE[None], np.array([cornered]), np.array([ignored]))


def test_pieces_keep_the_corners_where_they_are_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies at the quad's corners in the piece is the plate, whatever the detector missed it by."""
    monkeypatch.setattr(data, "WEATHER", 0)
    rng = np.random.default_rng(1)
    pieces = [piece for _ in range(20) for piece in data.around_plates(sample(), rng)]
    assert len(pieces) == 20 and all(piece.bgr.shape == (48, 96, 3) for piece in pieces)
    for piece in pieces:
        x, y = (piece.quad[:2].mean(axis=0) * 0.9 + piece.quad[2:].mean(axis=0) * 0.1) * [96, 48]
        assert piece.bgr[int(y), int(x)].mean() > 120  # between the strokes' tops and the plate's upper edge
        height = quad_size(piece.quad * piece.heights)[0]
        assert height == pytest.approx(1, abs=0.02)  # in heights of the plate


def test_what_is_ignored_or_hardly_on_the_picture_is_not_shown() -> None:
    rng = np.random.default_rng(1)
    assert not list(data.around_plates(sample(ignored=True), rng))
    off = Sample(
        canvas(),
        np.float32([[0, 40, 20, 60]]),
        np.float32([[[-90, 40], [20, 40], [20, 60], [-90, 60]]]),
        np.ones(1, bool),
        np.zeros(1, bool),
    )
    assert not list(data.around_plates(off, rng))


def test_loss_is_in_heights_and_a_box_leaves_its_margin_free() -> None:
    quads, heights = torch.tensor([REST]), torch.tensor([[8.0, 1.6]])
    right, box = torch.tensor([True]), torch.tensor([False])
    assert training.loss(quads, quads, heights, right).item() == 0
    moved = quads + torch.tensor([[0.0, 0.125] * 4])  # 0.2 of a height, upright
    assert training.loss(moved, quads, heights, right).item() == pytest.approx((0.2 - training.KNEE / 2) / 2)
    tight = quads + torch.tensor([[0, 0.05, 0, 0.05, 0, -0.05, 0, -0.05]])  # a labelled box is loose by so much
    assert training.loss(tight, quads, heights, box).item() == 0 < training.loss(moved, quads, heights, box).item()


def test_it_learns_a_slant_and_is_exported_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    shown = list(islice((piece for _ in range(400) for piece in data.around_plates(sample(), rng)), 256))
    batch = [torch.stack(part) for part in zip(*map(data.encode, shown), strict=True)]
    torch.manual_seed(0)
    net = CornerNet()
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3)
    examples = [data.encode(piece) for _ in range(16) for piece in data.around_plates(sample(), rng)]
    before = training.errors(net.eval(), examples)["median"]
    for i in range(40):
        part = [each[(i % 4) * 64 : (i % 4 + 1) * 64] for each in batch]
        training.learn(net.train(), optimiser, part, bf16=False)
    assert training.errors(net.eval(), examples)["median"] < before / 2

    save(tmp_path / "checkpoint.pt", average=net)
    monkeypatch.setattr("sys.argv", ["export", "--checkpoint", str(tmp_path / "checkpoint.pt"), "--out", str(tmp_path)])
    export.main()
    image = torch.rand(2, 3, 48, 96)
    with torch.no_grad():
        ours = net(image).numpy()
    (theirs,) = ort.InferenceSession(str(tmp_path / "corners.onnx")).run(None, {"image": image.numpy()})
    np.testing.assert_allclose(theirs, ours, atol=1e-4)
