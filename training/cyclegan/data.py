"""Unpaired pictures of two domains, A sharp and B poor, on LPSR's two canvases."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch

from alpr.imaging import ONE_LINE_PX, TWO_LINE_ASPECT, resize
from alpr.types import U8
from training.synth import glyphs, plates, views

Rng = np.random.Generator
HELD_OUT = 5
"""Every fifth picture of a set is kept for checks."""
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
JITTER = 0.1
"""Up to this share of a side is cut off a crop's edges."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Pictures, BGR uint8 of any size, and how often each is drawn, relative to the others."""

    pictures: list[U8]
    weights: list[float] = field(default_factory=list)

    def on(self, canvas: tuple[int, int], one_line: tuple[int, int]) -> Domain:
        """Those that are drawn on this canvas."""
        weights = self.weights or [1.0] * len(self.pictures)
        kept = [i for i, bgr in enumerate(self.pictures) if canvas_of(bgr, one_line) == canvas]
        return Domain([self.pictures[i] for i in kept], [weights[i] for i in kept])


class Unpaired:
    """Batches of one canvas each, canvases as frequent as among the poor pictures that have sharp partners there."""

    def __init__(self, sharp: Domain, poor: Domain, one_line: tuple[int, int] = ONE_LINE_PX) -> None:
        both = [(canvas, sharp.on(canvas, one_line), poor.on(canvas, one_line)) for canvas in (one_line, two_line_px(one_line))]
        self.parts = [part for part in both if part[1].pictures and part[2].pictures]
        if not self.parts:
            raise ValueError(
                f"{len(sharp.pictures)} sharp and {len(poor.pictures)} poor pictures, expected some of both of one shape: "
                "give both domains one-line plates, or both two-line ones"
            )

    def batch(self, rng: Rng, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Sharp and poor (n, 3, h, w) float32 RGB in 0..1."""
        counts = np.array([len(poor.pictures) for _, _, poor in self.parts])
        canvas, *domains = self.parts[int(rng.choice(len(counts), p=counts / counts.sum()))]
        sharp, poor = (torch.stack([tensor(jittered(bgr, rng), canvas) for bgr in _drawn(domain, rng, n)]) for domain in domains)
        return sharp, poor


def canvas_of(bgr: U8, one_line: tuple[int, int] = ONE_LINE_PX) -> tuple[int, int]:
    """The (h, w) canvas of a picture: the one-line canvas, or one twice as high and half as wide, by alpr.imaging's rule."""
    return one_line if bgr.shape[1] >= TWO_LINE_ASPECT * bgr.shape[0] else two_line_px(one_line)


def two_line_px(one_line: tuple[int, int]) -> tuple[int, int]:
    return 2 * one_line[0], one_line[1] // 2


def tensor(bgr: U8, size_px: tuple[int, int]) -> torch.Tensor:
    """(3, h, w) float32 RGB in 0..1, fit for channels-last batches."""
    rgb = np.ascontiguousarray(resize(bgr, size_px)[:, :, ::-1].transpose(2, 0, 1))
    return torch.from_numpy(rgb).float() / 255


def jittered(bgr: U8, rng: Rng) -> U8:
    """Cut a little off each edge, whole pixels, never below 6 a side."""
    height, width = bgr.shape[:2]
    top, bottom, left, right = rng.uniform(0, JITTER, 4) * (height, height, width, width)
    cut = bgr[round(top) : height - round(bottom), round(left) : width - round(right)]
    return cut if min(cut.shape[:2]) >= 6 else bgr


def folder(path: Path) -> list[U8]:
    """All pictures of a folder, by name. Raises FileNotFoundError where there is none."""
    found = [cv2.imread(str(file)) for file in sorted(path.glob("*")) if file.suffix.lower() in ENDINGS]
    if not found:
        raise FileNotFoundError(f"{path}: expected a folder of pictures ({', '.join(ENDINGS)})")
    return found  # type: ignore[return-value]


def labelled(path: Path, held_out: bool = False) -> tuple[list[U8], list[str]]:
    """Pictures of a set with labels.jsonl and the source of each; every fifth is held out."""
    rows = [json.loads(line) for line in (path / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [row for i, row in enumerate(rows) if (i % HELD_OUT == HELD_OUT - 1) == held_out]
    return [cv2.imread(str(path / row["image"])) for row in rows], [row.get("source", "") for row in rows]  # type: ignore[misc]


def domains(data: Path, rendered: Sequence[U8], rendered_share: float) -> tuple[Domain, Domain]:
    """plates-sharp with rendered plates, and plates-poor.

    A sharp crop is drawn as often as its source is among the poor ones: else a judge would learn countries instead of blur.
    """
    sharp, sources = labelled(data / "plates-sharp")
    poor, poor_sources = labelled(data / "plates-poor")
    here, there = Counter(sources), Counter(poor_sources)
    weights = [there[source] / here[source] for source in sources]
    each = rendered_share / (1 - rendered_share) * sum(weights) / max(1, len(rendered))
    return Domain([*sharp, *rendered], [*weights, *[each] * len(rendered)]), Domain(poor)


def rendered_plates(rng: Rng, n: int) -> tuple[list[U8], list[str]]:
    """Rendered plates in loose crops, undegraded, as a camera close by would see them; and their texts."""
    faces = glyphs.faces(rng, strokes=40)
    made = [plates.render_plate(rng, faces, line_px=int(rng.integers(36, 56))) for _ in range(n)]
    return [views.view(rng, plate.bgr, views.LOOSE).bgr for plate in made], [plate.text for plate in made]


def _drawn(domain: Domain, rng: Rng, n: int) -> list[U8]:
    chances = np.array(domain.weights)
    return [domain.pictures[i] for i in rng.choice(len(chances), n, p=chances / chances.sum())]
