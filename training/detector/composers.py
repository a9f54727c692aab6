"""The composers of a training, out of its config and the sets on disk: one draws what is learned from, the other held-out pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from training.detector import data
from training.detector.composition import Composer, Mix, PlateBank
from training.synth import glyphs, plates


def composers(folder: Path, config: dict[str, Any], rendered: Iterator[Any] | None = None) -> tuple[Composer, Composer]:
    """What draws the samples to train on, and what draws held-out ones; `rendered` yields whole scenes (bgr, boxes, quads)."""
    scenes = [data.split(data.load(folder / name)) for name in config["scenes"]]
    crops = [data.split(data.load(folder / name)) for name in config["crops"]]
    weights = np.array(list(config["scenes"].values()), float)
    faces = glyphs.faces(np.random.default_rng(config["seed"]))

    def render(rng: np.random.Generator) -> np.ndarray:
        return plates.render_plate(rng, faces, line_px=int(rng.integers(36, 64))).bgr

    def composer(part: int, bank: int) -> Composer:
        return Composer(
            scenes=[pictures[part] for pictures in scenes],
            weights=(weights / weights.sum()).tolist(),
            crops=[picture for pictures in crops for picture in pictures[part]],
            bank=PlateBank(render, bank, min(64, bank)),
            mix=Mix(**config["mix"]),
            rendered=rendered if part == 0 else None,
        )

    return composer(0, config["bank"]), composer(1, config["corner_samples"])
