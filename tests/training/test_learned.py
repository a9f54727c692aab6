"""The learned step of the degradation, with a model made on the spot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from alpr import contract
from training.cyclegan import export
from training.cyclegan.network import Generator
from training.degradation.learned import LearnedDegradation

STYLES = np.linspace(-2, 2, 10, dtype=np.float32)[:, None] * np.array([1, -1, 0.5, 0], np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    generator = Generator(8, 4)
    torch.nn.init.normal_(generator.leave[1].weight, std=0.3)
    return export.write(generator, tmp_path_factory.mktemp("learned"), "0.0.0", {}).with_suffix(".onnx")


@pytest.mark.parametrize("size", [(31, 97), (120, 150), (32, 192), (8, 9)])
def test_the_same_style_gives_the_same_bytes_and_the_same_size(model: Path, size: tuple[int, int]) -> None:
    learned, bgr = LearnedDegradation(model, STYLES), np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    before = bgr.copy()
    made = learned(bgr, STYLES[2])
    assert made.shape == bgr.shape and made.dtype == np.uint8 and np.array_equal(bgr, before)
    assert np.array_equal(made, learned(bgr, STYLES[2])) and not np.array_equal(made, learned(bgr, STYLES[9]))
    assert np.array_equal(learned(bgr, np.random.default_rng(3)), learned(bgr, np.random.default_rng(3)))


def test_a_low_severity_draws_from_the_mild_end(model: Path) -> None:
    learned, rng = LearnedDegradation(model, STYLES), np.random.default_rng(0)
    mild = {float(learned.draw(rng, 0.3)[0]) for _ in range(60)}
    assert mild == set(STYLES[:3, 0].tolist())
    assert np.array_equal(learned.draw(rng, 0.0), STYLES[0])
    assert len({float(learned.draw(rng)[0]) for _ in range(200)}) == len(STYLES)


def test_colours_are_not_swapped(tmp_path: Path) -> None:
    """An untrained generator is the identity: a blue picture stays blue."""
    model = export.write(Generator(8, 4), tmp_path, "0.0.0", {}).with_suffix(".onnx")
    blue = np.full((32, 192, 3), (200, 90, 30), np.uint8)
    assert np.abs(LearnedDegradation(model, STYLES)(blue, STYLES[0]).astype(int) - blue).max() <= 1


def test_what_does_not_belong_together_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected \(n, 4\)"):
        LearnedDegradation(model, STYLES[:, :3])
    alone = tmp_path / "degradation.onnx"
    alone.write_bytes(model.read_bytes())
    with pytest.raises(contract.ContractError, match="no such file"):
        LearnedDegradation(alone, STYLES)
    alone.with_suffix(".yaml").write_text("sha256: 0\n")
    with pytest.raises(contract.ContractError, match="export both together"):
        LearnedDegradation(alone, STYLES)


def test_it_needs_no_torch() -> None:
    """Calibration takes its pictures from here, on machines without torch."""
    code = "import sys, training.degradation.learned; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent.parent.parent, capture_output=True, text=True, timeout=100
    )
    assert done.stdout.strip() == "False", done.stderr
