"""The CycleGAN: its networks, one game, its command, its export and its checks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from alpr.imaging import ONE_LINE_PX, TWO_LINE_PX
from training import release
from training.cyclegan import classifier, data, export
from training.cyclegan.losses import History, Weights, around, found_again, judging, weighed
from training.cyclegan.network import Generator, Judge, Judges, Makers, StyleEncoder
from training.degradation import effects
from training.run import load

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def plates() -> list[np.ndarray]:
    return data.rendered_plates(np.random.default_rng(4), 12)[0]


@pytest.fixture(scope="module")
def dataroot(tmp_path_factory: pytest.TempPathFactory, plates: list[np.ndarray]) -> Path:
    """Folders trainA of rendered plates, and trainB of the same, blurred and small."""
    root = tmp_path_factory.mktemp("unpaired")
    for name in ("trainA", "trainB"):
        (root / name).mkdir()
    for i, bgr in enumerate(plates):
        cv2.imwrite(str(root / f"trainA/{i:02}.png"), bgr)
        small = cv2.resize(bgr, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(root / f"trainB/{i:02}.png"), effects.exposure(effects.gaussian_blur(small, 1.2, 1.2), 0.6, 5, 1.0))
    return root


@pytest.mark.parametrize("size", [ONE_LINE_PX, TWO_LINE_PX])
def test_untrained_generators_are_the_identity_and_judges_see_patches(size: tuple[int, int]) -> None:
    image = torch.rand(2, 3, *size) * 0.96 + 0.02
    with torch.no_grad():
        assert torch.allclose(Generator(8)(image), image, atol=1e-4)
        assert torch.allclose(Generator(8, 4)(image, torch.randn(2, 4)), image, atol=1e-4)
        assert Judge(8)(image).shape == (2, 1, size[0] // 8, size[1] // 8)
        assert StyleEncoder(4, 8)(image).shape == (2, 4)


def test_they_are_small_enough_for_a_cpu() -> None:
    sizes = [sum(p.numel() for p in part.parameters()) for part in (Generator(32, 8), Generator(32), Judge())]
    assert all(100_000 < size < 250_000 for size in sizes)


def test_a_style_knows_no_colour_and_a_picture_takes_its_style() -> None:
    torch.manual_seed(0)
    encoder, generator, image = StyleEncoder(4, 8).eval(), Generator(8, 4), torch.rand(1, 3, *ONE_LINE_PX)
    torch.nn.init.normal_(generator.leave[1].weight, std=0.3)
    gray = (image * torch.tensor([0.299, 0.587, 0.114])[None, :, None, None]).sum(1, keepdim=True).expand(-1, 3, -1, -1)
    with torch.no_grad():
        assert torch.allclose(encoder(image), encoder(gray), atol=1e-4)
        assert (generator(image, torch.full((1, 4), 2.0)) - generator(image, torch.full((1, 4), -2.0))).abs().mean() > 1e-3


def test_the_style_loss_teaches_the_makers_and_not_the_encoder() -> None:
    """It did both once, and the encoder found the cheap way: 400 steps on, all plates had one style."""
    torch.manual_seed(2)
    encoder, made = (
        StyleEncoder(4, 8),
        (torch.rand(3, 3, *ONE_LINE_PX) * torch.tensor([0.2, 0.6, 1.0])[:, None, None, None]).requires_grad_(),
    )
    encoder.begin(made.detach())
    kept = encoder.norm.running_mean.clone()
    (found_again(encoder, made) ** 2).mean().backward()
    assert made.grad is not None and made.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in encoder.parameters())
    assert torch.equal(encoder.norm.running_mean, kept)  # made pictures do not move what real ones set
    assert encoder(made).std(0).min() > 0.3


def test_every_network_gets_a_gradient_and_cycles_close_on_a_toy() -> None:
    """The cycles alone, without the game: generators that spoil everything at first learn to come back."""
    torch.manual_seed(1)
    sharp = (torch.rand(4, 3, 1, 32).repeat(1, 1, 16, 1) > 0.5).float() * 0.6 + 0.3
    makers, judges = Makers(8, 4), Judges(8)
    for generator in (makers.to_poor, makers.to_sharp):
        torch.nn.init.normal_(generator.leave[1].weight, std=0.3)
    weighed(around(makers, judges, sharp, 0.5 * sharp).parts, Weights()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for name, p in makers.named_parameters() if name.endswith("weight"))
    optimiser, cycles = torch.optim.Adam(makers.parameters(), 3e-3), []
    for _ in range(20):
        parts = around(makers, judges, sharp, 0.5 * sharp).parts
        optimiser.zero_grad()
        (parts["cycle_sharp"] + parts["cycle_poor"] + parts["identity"]).backward()
        optimiser.step()
        cycles.append(float(parts["cycle_sharp"].detach()))
    assert np.mean(cycles[-3:]) < 0.8 * cycles[0]
    verdict = judging(judges.poor, 0.5 * sharp, sharp)
    verdict.backward()
    assert all(p.grad is not None for p in judges.poor.parameters())


def test_history_gives_back_as_many_and_remembers() -> None:
    history, rng = History(4), np.random.default_rng(0)
    first = history.swap(torch.zeros(4, 3, 8, 8), rng)
    later = history.swap(torch.ones(16, 3, 8, 8), rng)
    assert first.shape == (4, 3, 8, 8) and later.shape == (16, 3, 8, 8)
    assert 0 < float(later.mean()) < 1
    assert history.swap(torch.ones(2, 3, 4, 16), rng).shape == (2, 3, 4, 16)


def test_batches_hold_one_canvas_and_domains_must_meet(plates: list[np.ndarray]) -> None:
    rng, seen = np.random.default_rng(2), set()
    unpaired = data.Unpaired(data.Domain(plates), data.Domain([bgr[::3, ::3] for bgr in plates]))
    for _ in range(12):
        sharp, poor = unpaired.batch(rng, 2)
        assert sharp.shape == poor.shape and 0 <= float(poor.min()) <= float(poor.max()) <= 1
        seen.add(tuple(sharp.shape[2:]))
    assert seen == {ONE_LINE_PX, TWO_LINE_PX}
    with pytest.raises(ValueError, match="expected some of both of one shape"):
        data.Unpaired(data.Domain([np.zeros((10, 60, 3), np.uint8)]), data.Domain([np.zeros((40, 60, 3), np.uint8)]))


def test_the_command_trains_goes_on_and_its_export_agrees(dataroot: Path, tmp_path: Path) -> None:
    places = ["--dataroot", dataroot, "--checkpoint_dir", tmp_path, "--output_dir", tmp_path / "grids"]
    small = ["--batch_size", "2", "--channels", "8", "--style", "4"]
    _run("training.cyclegan", *places, *small, "--minutes", "0.05")
    before = load(tmp_path / "checkpoint.pt")
    assert before is not None and before["step"] > 0 and list((tmp_path / "grids").glob("*.png"))
    said = _run("training.cyclegan", *places, *small, "--epochs", str(before["step"]))  # further than it got
    after = load(tmp_path / "checkpoint.pt")
    assert f"resumed at step {before['step']}" in said and after is not None and after["step"] > before["step"]
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 3

    _run("training.cyclegan.export", "--checkpoint", tmp_path / "checkpoint.pt", "--dataroot", dataroot, "--out", tmp_path / "models")
    assert {path.name for path in (tmp_path / "models").iterdir()} == {
        "degradation.onnx", "degradation.safetensors", "degradation.yaml", "degradation-styles.npy"
    }  # fmt: skip
    csv = tmp_path / "check.csv"
    _run("training.cyclegan.check", "--model", tmp_path / "models/degradation.onnx", "--plates", "4", "--csv", csv)
    assert "read exactly,before,4" in csv.read_text() and "styles by plates" in csv.read_text()


def test_an_export_that_differs_is_refused(tmp_path: Path) -> None:
    torch.manual_seed(3)
    generator, other = Generator(8, 4), Generator(8, 4)
    for each in (generator, other):
        torch.nn.init.normal_(each.leave[1].weight, std=0.3)
    export.export_onnx(generator, tmp_path / "one.onnx")
    assert export.parity(generator, tmp_path / "one.onnx", export.SIZES) < export.TOLERANCE
    with pytest.raises(release.ParityError):
        export.parity(other, tmp_path / "one.onnx", (ONE_LINE_PX,))


def test_the_classifier_tells_what_can_be_told_and_nothing_else() -> None:
    torch.manual_seed(5)
    noise, dim = torch.rand(60, 1, 16, 48), 0.6 * torch.rand(60, 1, 16, 48)
    rng, canvas = np.random.default_rng(5), (16, 48)
    net = classifier.train({canvas: noise[:30]}, {canvas: dim[:30]}, rng, 40, 16)
    assert classifier.score(net, {canvas: noise[30:]}, {canvas: dim[30:]}) > 0.95
    assert 0.25 < classifier.score(net, {canvas: noise[30:45]}, {canvas: noise[45:]}) < 0.75
    assert classifier.auc(np.array([1.0, 1.0]), np.array([1.0, 0.0])) == 0.75


def _run(module: str, *arguments: object) -> str:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout
