"""The country that no release has seen: the same files for a seed, names that are the truth, and letters of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.ocr.data import real_crops
from training.synth import glyphs, own


def test_both_parts_come_again_and_differ_from_each_other(tmp_path: Path) -> None:
    for name in ("a", "b"):
        own.main([f"--out={tmp_path / name}", "--train=3", "--test=2"])
    first, again = ({p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*.png")} for name in ("a", "b"))
    assert first == again and len(first) == 5
    assert not {s.text for s in real_crops(tmp_path / "a" / "train")} & {s.text for s in real_crops(tmp_path / "a" / "test")}


def test_every_letter_is_cut_by_a_bridge() -> None:
    face, rows = own.stencil(np.random.default_rng(0)), glyphs.MASK_PX
    for char, mask in face.masks.items():
        empty = np.flatnonzero(mask.max(axis=1) == 0)
        assert len(empty) >= 0.05 * rows and 0.2 * rows < empty.mean() < 0.8 * rows, char
