"""docs/training.md from its first command to its last, in small: rendered sets, seconds instead of minutes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from alpr import contract
from training.degradation import hybrid
from training.synth import glyphs, plates, street, views

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "training.md"
SMALL = {
    "training.ocr": ["--width=64", "--batch_size=8", "--workers=0"],
    "training.ocr.pseudo": ["--score=0"],
    "training.ocr.reliability": ["--plates=20"],
    "training.detector": ["--config=small/detector.yaml", "--workers=0", "--threads=1"],
    "training.corners": ["--config=small/detector.yaml", "--workers=0", "--threads=1", "--batch_size=8"],
    "training.cyclegan": ["--channels=8", "--batch_size=2", "--rendered=8"],
    "training.cyclegan.export": ["--styles=4"],
    "training.cyclegan.check": ["--plates=6"],
    "training.cyclegan.realism": ["--steps=2", "--seeds=1"],
    "training.hrplus": ["--channels=8", "--blocks=1", "--growth=4", "--batch_size=2", "--workers=0"],
    "training.lpsr": ["--config=small/lpsr.yaml", "--workers=0"],
    "training.lpsr.ablation": ["--config=small/lpsr.yaml", "--workers=0", "--batches=1"],
    "tools.evaluate": ["--count=8", "--calibrate=4", "--config=small/config.yaml"],
}
INSTEAD = {"--minutes": "0.01", "--count": "6", "--shard": "1/1"}


def documented() -> list[str]:
    return [line.strip() for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("    python -m ")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a workstation has it: DATA with small rendered sets, configs of small networks."""
    folder = tmp_path_factory.mktemp("workstation")
    rng = np.random.default_rng(0)
    faces = glyphs.faces(rng, strokes=2)
    for name, severity in (("plates-sharp", 0.0), ("plates-poor", 0.8), ("cn-lowres-crops", 0.3)):
        _set(folder / "DATA/train" / name, [_crop(rng, faces, severity) for _ in range(110 if name == "cn-lowres-crops" else 60)])
    for name in ("open-lpr", "ro-dashcam", "openimages"):
        scene = street.street(rng, faces, (192, 128))
        boxes = [np.concatenate([quad.min(0), quad.max(0)]).tolist() for quad in scene.quads]
        _set(folder / "DATA/train" / name, [(scene.bgr, [{"box": box} for box in boxes])] * 3)
    (folder / "small").mkdir()
    _configs(folder / "small")
    for path in ("models", "results"):
        (folder / path).mkdir()
    return folder


@pytest.mark.timeout(900)
def test_every_documented_command_runs_in_order_and_leaves_models(place: Path) -> None:
    for line in documented():
        _run(place, line)
    for name in ("reader", "detector", "corners", "lpsr"):
        assert contract.load(place / "models" / f"{name}.yaml").measured
    for name in ("reader-reliability", "cyclegan-check", "realism", "lpsr-ablation", "lpsr-worth-rendered"):
        assert len((place / "results" / f"{name}.csv").read_text().splitlines()) > 2, name
    assert cv2.imread(str(place / "docs/lpsr.png")) is not None


def _run(place: Path, line: str) -> None:
    words = _shortened(line.replace(" --bf16", "").split()[1:])
    if "DATA/val/hr" in words:
        shutil.copytree(place / "DATA/pairs", place / "DATA/val")
        words[words.index("--output_dir") + 1] = "runs/lpsr-folders"
    command = [sys.executable, *words, *SMALL.get(words[1], [])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=200, env=environment)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"


def _shortened(words: list[str]) -> list[str]:
    """The same command with less to do."""
    words = list(words)
    for option, value in INSTEAD.items():
        if option in words:
            words[words.index(option) + 1] = value
    return words


def _crop(rng: np.random.Generator, faces: dict[str, glyphs.Face], severity: float) -> tuple[np.ndarray, list[dict]]:
    plate = plates.render_plate(rng, faces, line_px=int(rng.integers(20, 40)))
    seen = views.view(rng, plate.bgr, views.RECTIFIED)
    low, high = seen.quad.min(0), seen.quad.max(0)
    text = {"box": [*low.tolist(), *high.tolist()], "text": plate.text}
    return hybrid.replay(seen.bgr, hybrid.recipe(rng, 30, severity)), [text]


def _set(folder: Path, pictures: list[tuple[np.ndarray, list[dict]]]) -> None:
    (folder / "images").mkdir(parents=True)
    rows = []
    for number, (bgr, labels) in enumerate(pictures):
        cv2.imwrite(str(folder / "images" / f"{number}.png"), bgr)
        rows.append({"image": f"images/{number}.png", "kind": "crop", "source": "open-lpr", "plates": labels})
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def _configs(folder: Path) -> None:
    detector, lpsr = (yaml.safe_load((ROOT / f"training/configs/{name}.yaml").read_text()) for name in ("detector", "lpsr"))
    detector |= {"network": {"backbone": [8, 8, 8, 16, 16], "neck": [8, 8, 8], "head": 8}, "corner_samples": 2, "bank": 4, "streets": 1}
    detector |= {"sizes_px": [[64, 96]], "size_weights": [1], "batch_px": 64 * 96 * 2}
    detector["mix"]["rendered"] = 0.0
    lpsr |= {"network": {"channels": 8, "growth": 4, "blocks": 1, "layers": 1, "attention": True, "auto_encoder": True}, "batch_size": 2}
    unit = yaml.safe_load((ROOT / "config.yaml").read_text())
    for stage, model in (("detector", "detector"), ("corners", "corners"), ("enhancer", "lpsr"), ("reader", "reader")):
        unit[stage]["model"] = f"../models/{model}.yaml"
    for name, config in (("detector", detector), ("lpsr", lpsr), ("config", unit)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(config))
