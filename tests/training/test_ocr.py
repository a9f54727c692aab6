"""The reader's network, loss, data and export."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from alpr.decode import BLANK
from alpr.types import ALPHABET
from training import release
from training.ocr import data, pseudo, reliability
from training.ocr.network import CLASSES, SLOTS, ReaderForExport, ReaderNet, loss
from training.synth import glyphs, layouts


@pytest.fixture(scope="module")
def net() -> ReaderNet:
    torch.manual_seed(0)
    return ReaderNet(32, blocks=(1, 1), layers=1).eval()


def one_hot(texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    targets = torch.tensor([[ALPHABET.index(c) for c in text] + [BLANK] * (SLOTS - len(text)) for text in texts])
    return 20.0 * torch.nn.functional.one_hot(targets, CLASSES).float(), targets


def test_rows_are_probabilities_for_every_picture_of_a_batch(net: ReaderNet) -> None:
    lattice, two_lines = ReaderForExport(net)(torch.rand(3, 3, 64, 128))
    assert lattice.shape == (3, SLOTS, CLASSES) and two_lines.shape == (3,)
    assert torch.allclose(lattice.sum(-1), torch.ones(3, SLOTS), atol=1e-5)


def test_light_and_contrast_do_not_matter(net: ReaderNet) -> None:
    image = torch.rand(1, 3, 64, 128) * 0.5 + 0.25
    dim = 0.4 * image + 0.1
    with torch.no_grad():
        apart = (torch.softmax(net(image)[0], -1) - torch.softmax(net(dim)[0], -1)).abs().max()
    assert apart < 0.05


def test_loss_is_small_for_the_truth_large_for_an_error_and_hardly_sees_late_blanks() -> None:
    logits, targets = one_hot(["51F73420"])
    lines = torch.zeros(1)
    right = loss(logits, torch.full((1,), -20.0), targets, lines, smoothing=0.0)
    assert right < 1e-3
    wrong, late = logits.clone(), logits.clone()
    wrong[0, 3], late[0, 9] = wrong[0, 4], late[0, 0]
    at = torch.full((1,), -20.0)
    assert loss(wrong, at, targets, lines, smoothing=0.0) > 5 * loss(late, at, targets, lines, smoothing=0.0) > 5 * right


def test_samples_are_replayed_by_their_seed_and_hold_what_a_reader_can_say() -> None:
    first, again = (iter(data.Samples((7,), [], 0.0)) for _ in range(2))
    for _ in range(20):
        (image, target, lines), other = next(first), next(again)
        assert torch.equal(image, other[0]) and torch.equal(target, other[1])
        assert image.shape == (3, 64, 128) and image.dtype == torch.uint8
        assert target[0] != BLANK and float(lines) in (0.0, 1.0)


def test_every_layout_fits_the_slots() -> None:
    rng = np.random.default_rng(0)
    for country in layouts.MAKERS:
        for _ in range(60):
            text = layouts.sample(rng, (country,)).text
            assert 0 < len(text) <= SLOTS and set(text) <= set(ALPHABET), (country, text)


def test_it_learns_eight_plates() -> None:
    """A network that cannot overfit has a wire crossed."""
    torch.manual_seed(0)
    rng = np.random.default_rng(3)
    made = data.rendered(rng, glyphs.faces(rng, strokes=2), 0.1, 0)
    image, target, lines = (torch.stack(part) for part in zip(*(data.encode(next(made)) for _ in range(8)), strict=True))
    net = ReaderNet(48, blocks=(1, 1), layers=1)
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3)
    for _ in range(120):
        value = loss(*net(image.float() / 255), target, lines)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    assert (net(image.float() / 255)[0].argmax(-1) == target).all(1).float().mean() >= 0.75


def test_a_release_has_a_contract_that_loads_and_refuses_what_disagrees(net: ReaderNet, tmp_path: object) -> None:
    from pathlib import Path

    from alpr import contract

    out = Path(str(tmp_path))
    described = release.Release("reader", "ocr", "0.0.1", ("probabilities", "two_lines"), (64, 128), ("test",), 1e-3, alphabet=ALPHABET)
    path = release.write(ReaderForExport(net), net.state_dict(), described, out, {})
    assert contract.load(path).version == "0.0.1"
    other = ReaderForExport(ReaderNet(32, blocks=(1, 1), layers=1).eval())
    with pytest.raises(release.ParityError, match="differ by"):
        release.parity(other, out / "reader.onnx", [(64, 128)], 1e-3)


def test_pseudo_labels_need_every_look_to_agree(net: ReaderNet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader's own texts train it further: one that a small shift of the crop changes would teach it its errors."""
    looks = [np.zeros((20, 40, 3), np.uint8)] * 2
    sure, _ = one_hot(["51F73420", "51F73420"])
    torn, _ = one_hot(["51F73420", "51F73426"])
    words, _ = one_hot(["KERBSIDE", "KERBSIDE"])
    for logits, told in ((sure, "51F73420"), (torn, None), (words, None)):
        monkeypatch.setattr(net, "forward", lambda image, logits=logits: (logits, torch.full((2,), 9.0)))
        found = pseudo.tell(net, looks, 0.9)
        assert (found and found.text) == told and (found is None or found.two_lines)
    monkeypatch.setattr(net, "forward", lambda image: (sure / 8, torch.zeros(2)))
    assert pseudo.tell(net, looks, 0.9) is None  # agreed, and in doubt


def test_looks_stay_within_the_picture() -> None:
    cuts = pseudo.looks(np.zeros((40, 100, 3), np.uint8), (2, 1, 98, 39))
    assert len(cuts) == len(pseudo.LOOKS) and all(0 < cut.shape[0] <= 40 and 0 < cut.shape[1] <= 100 for cut in cuts)


def test_real_crops_keep_a_margin_their_lines_and_what_a_reader_can_say(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((60, 140, 3), np.uint8))
    rows = [
        {"image": "a.png", "plates": [{"box": [20, 10, 120, 50], "text": "京A1", "lines": 2}]},
        {"image": "a.png", "plates": [{"text": "B2"}]},
    ]
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    boxed, whole = data.real_crops(tmp_path)
    assert (boxed.text, boxed.two_lines, boxed.bgr.shape) == ("A1", True, (48, 120, 3))
    assert (whole.text, whole.two_lines, whole.bgr.shape) == ("B2", False, (60, 140, 3))
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="cannot be decoded"):
        data.real_crops(tmp_path / "labels.jsonl")


def test_a_known_overconfidence_is_found_and_mended() -> None:
    """Logits whose softmax is the truth's own odds, made three times as sure: the temperature is 3, and then what is said is right."""
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 1.5, (40_000, CLASSES))
    p = np.exp(honest) / np.exp(honest).sum(1, keepdims=True)
    truth = (p.cumsum(1) > rng.random((len(p), 1))).argmax(1)
    found = reliability.Rows(3 * honest, truth)
    t = reliability.temperature(found)
    assert t == pytest.approx(3, rel=0.05)
    assert reliability.expected_error(reliability.bins(found, t)) < 0.02 < 0.2 < reliability.expected_error(reliability.bins(found, 1.0))


def test_a_release_carries_its_temperature(net: ReaderNet) -> None:
    image = torch.rand(2, 3, 64, 128)
    plain = ReaderForExport(net)(image)[0]
    net.temperature.fill_(2.0)
    softer = ReaderForExport(net)(image)[0]
    net.temperature.fill_(1.0)
    assert torch.allclose(softer, torch.softmax(torch.log(plain) / 2, -1), atol=1e-5)


def test_a_plain_folder_is_read_by_its_names(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "51k1_7.png"), np.zeros((40, 60, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "9AB12C3.jpg"), np.zeros((20, 90, 3), np.uint8))
    assert [(s.text, s.two_lines) for s in data.real_crops(tmp_path)] == [("51K1", True), ("9AB12C3", False)]
    cv2.imwrite(str(tmp_path / "THISISNOPLATE.png"), np.zeros((20, 90, 3), np.uint8))
    with pytest.raises(ValueError, match="named by the plate's text"):
        data.real_crops(tmp_path)
    with pytest.raises(ValueError, match=r"neither labels\.jsonl nor pictures"):
        data.real_crops(_empty(tmp_path))


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"
