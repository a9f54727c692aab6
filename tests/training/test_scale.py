"""One process or two: torchrun's processes train together and leave together."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from training.ocr.network import ReaderNet
from training.run import Steps
from training.scale import scale
from training.synth import glyphs, plates

CONFIG = """
seed: 1
network: {channels: 8, growth: 4, blocks: 1, layers: 2}
losses: {pixel: 1.0, edge: 0.5, perceptual: 0.01, reading: 0.01}
confusion: 1.0
recipe: hybrid
severities: [0, 1]
learning_rate: 0.001
ema: 0.9
batch_size: 4
save_every_s: 1000
"""


def test_alone_it_is_the_first_of_one_and_wraps_nothing() -> None:
    net = torch.nn.Linear(2, 2)
    with scale() as place:
        assert place.first and place.world == 1 and place.shared(net) is net
        assert place.any(True) and not place.any(False)


def test_steps_run_from_nothing_to_all() -> None:
    steps = Steps(100)
    rates = []
    for steps.done in range(101):
        rates.append(steps.rate(1.0))
    assert steps.fraction == 1 and max(rates) == pytest.approx(1, abs=0.01) and rates[-1] == pytest.approx(0.01) and rates[0] < 0.1


def test_two_processes_train_lpsr_on_folders_and_only_the_first_writes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    faces = glyphs.faces(rng, strokes=2)
    for folder in ("hr", "lr"):
        (tmp_path / folder).mkdir()
    for i in range(12):
        plate = plates.render_plate(rng, faces)
        cv2.imwrite(str(tmp_path / "hr" / f"{plate.text}_{i}.png"), plate.bgr)
        cv2.imwrite(str(tmp_path / "lr" / f"{plate.text}_{i}.png"), cv2.GaussianBlur(plate.bgr, (0, 0), 1.5))
    reader = ReaderNet()
    torch.save({"average": reader.state_dict()}, tmp_path / "reader.pt")
    (tmp_path / "small.yaml").write_text(CONFIG)
    folders = [f"--{size}_{part}_dir={tmp_path / size}" for size in ("hr", "lr") for part in ("train", "val")]
    places = [f"--config={tmp_path / 'small.yaml'}", f"--reader={tmp_path / 'reader.pt'}", f"--output_dir={tmp_path / 'out'}"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command = [*torchrun, "-m", "training.lpsr", "--epochs=2", "--workers=0", *places, *folders]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    with (tmp_path / "out" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1 and int(rows[0]["step"]) >= 4 and list((tmp_path / "out" / "samples").glob("*.png"))
