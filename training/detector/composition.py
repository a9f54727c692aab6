"""What the network is shown: street scenes, mosaics of four, and loose crops; real plates, and rendered ones with known corners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alpr.types import F32, U8
from training.detector.augmentation import look, photographed
from training.detector.data import Labelled, Stored
from training.synth import paste

PlateSource = Callable[[np.random.Generator], U8]
"""Renders one plate straight on, nothing around it."""
SceneSource = Iterable[tuple[U8, F32, F32]]
"""Whole rendered scenes: picture, boxes (k, 4), quads (k, 4, 2)."""
IGNORED_PX = 8.0
"""Narrower plates are neither wanted nor held against the network."""
VISIBLE = 0.6
"""A plate of which less lies on the canvas is neither, too."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How often what is shown; the shares of kinds need not sum to 1, scenes take the rest."""

    mosaic: float = 0.12
    crop: float = 0.28
    rendered: float = 0.0  # whole rendered scenes, where a source of them is given
    replace: float = 0.4  # of the plates of a scene or crop
    add: float = 0.25  # of the scenes: one to three further plates


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One canvas with its truth."""

    bgr: U8
    boxes: F32  # (k, 4) cut at the canvas
    quads: F32  # (k, 4, 2) not cut
    cornered: NDArray[np.bool_]  # (k,)
    ignored: NDArray[np.bool_]  # (k,)


@dataclass(slots=True)
class PlateBank:
    """Rendered plates to choose from by shape: rendering costs more than the rest of a sample, so each is shown several times."""

    render: PlateSource
    most: int = 1500
    first: int = 64
    plates: list[U8] = field(default_factory=list)

    def draw(self, rng: np.random.Generator, aspect: float | None = None) -> U8:
        """A plate; of eight, the one nearest to a wanted width over height."""
        while len(self.plates) < self.first:
            self.plates.append(self.render(rng))
        if len(self.plates) < self.most:
            self.plates.append(self.render(rng))
        elif rng.random() < 0.25:
            self.plates[rng.integers(self.most)] = self.render(rng)
        drawn = [self.plates[i] for i in rng.integers(len(self.plates), size=1 if aspect is None else 8)]
        return min(drawn, key=lambda plate: abs(np.log(plate.shape[1] / plate.shape[0] / (aspect or 1))))


@dataclass(slots=True)
class Composer:
    """Draws samples for ever: see `sample`."""

    scenes: Sequence[Sequence[Stored]]  # by set
    weights: Sequence[float]  # of the sets
    crops: Sequence[Stored]
    bank: PlateBank
    mix: Mix
    rendered: Iterator[tuple[U8, F32, F32]] | None = None

    def sample(self, size_px: tuple[int, int], rng: np.random.Generator) -> Sample:
        """One canvas of (h, w) with its truth."""
        draw = rng.random()
        if draw < self.mix.mosaic:
            picture = self._mosaic(size_px, rng)
        elif draw < self.mix.mosaic + self.mix.crop:
            picture = self._crop(size_px, rng)
        elif self.rendered is not None and draw < self.mix.mosaic + self.mix.crop + self.mix.rendered:
            bgr, _, quads = next(self.rendered)
            picture = look(Labelled(bgr, quads.astype(np.float32).reshape(-1, 4, 2), np.ones(len(quads), bool)), size_px, rng)
        else:
            picture = look(self._scene(rng), size_px, rng)
        return framed(Labelled(photographed(picture.bgr, rng), picture.quads, picture.cornered))

    def _scene(self, rng: np.random.Generator) -> Labelled:
        """A real scene, some of its plates replaced by rendered ones, at times with further ones."""
        pictures = self.scenes[rng.choice(len(self.scenes), p=self.weights)]
        picture = replaced(pictures[rng.integers(len(pictures))].decode(), self.bank, self.mix.replace, rng)
        return extended(picture, self.bank, rng) if rng.random() < self.mix.add else picture

    def _mosaic(self, size_px: tuple[int, int], rng: np.random.Generator) -> Labelled:
        """Four views beside each other, so that a canvas holds more plates and more of what is none."""
        row, column = (int(side * rng.uniform(0.3, 0.7)) for side in size_px)
        canvas = np.empty((*size_px, 3), np.uint8)
        quads, cornered = [], []
        for top, bottom in ((0, row), (row, size_px[0])):
            for left, right in ((0, column), (column, size_px[1])):
                view = unseamed(look(self._scene(rng), (bottom - top, right - left), rng))
                canvas[top:bottom, left:right] = view.bgr
                quads.append(view.quads + np.float32([left, top]))
                cornered.append(view.cornered)
        return Labelled(canvas, np.concatenate(quads), np.concatenate(cornered))

    def _crop(self, size_px: tuple[int, int], rng: np.random.Generator) -> Labelled:
        """A loose crop that a plate fills: a real one, one with its plate replaced, or a rendered plate on some background."""
        if rng.random() < 0.5:
            picture = replaced(self.crops[rng.integers(len(self.crops))].decode(), self.bank, self.mix.replace, rng)
        else:
            bgr, quad = paste.close_up(self.bank.draw(rng), self._background(rng), rng)
            picture = Labelled(bgr, quad[None], np.ones(1, bool))
        return look(picture, size_px, rng, whole=0.6)

    def _background(self, rng: np.random.Generator) -> U8:
        """A piece of a street, or one colour, of a crop's size."""
        height, width = int(rng.integers(40, 240)), int(rng.integers(60, 300))
        if rng.random() < 0.3:
            return np.full((height, width, 3), rng.integers(0, 256, 3) if rng.random() < 0.6 else 0, np.uint8)
        pictures = self.scenes[rng.choice(len(self.scenes), p=self.weights)]
        picture = pictures[rng.integers(len(pictures))].decode()
        for box in picture.boxes:
            x1, y1, x2, y2 = (max(0, round(float(side))) for side in box)
            if x2 - x1 > 2 and y2 - y1 > 2:
                paste.erase(picture.bgr, (x1, y1, x2, y2))
        top, left = (int(rng.integers(0, max(1, have - want))) for have, want in zip(picture.bgr.shape, (height, width), strict=False))
        return picture.bgr[top : top + height, left : left + width].copy()


def replaced(picture: Labelled, bank: PlateBank, share: float, rng: np.random.Generator) -> Labelled:
    """A picture, about `share` of its plates replaced by rendered ones of about their shape; the picture is changed in place."""
    quads, cornered = picture.quads.copy(), picture.cornered.copy()
    for i, (x1, y1, x2, y2) in enumerate(picture.boxes):
        if rng.random() < share and x2 > x1 and y2 > y1:
            plate = bank.draw(rng, float((x2 - x1) / (y2 - y1)))
            quad = paste.replace_plate(picture.bgr, np.float32([x1, y1, x2, y2]), plate, rng)
            if quad is not None:
                quads[i], cornered[i] = quad, True
    return Labelled(picture.bgr, quads, cornered)


def extended(picture: Labelled, bank: PlateBank, rng: np.random.Generator) -> Labelled:
    """A picture with one to three further plates on it, drawn in place."""
    for _ in range(rng.integers(1, 4)):
        width_px = float(np.exp(rng.uniform(np.log(16), np.log(0.4 * picture.bgr.shape[1]))))
        quad = paste.add_plate(picture.bgr, bank.draw(rng), width_px, picture.boxes, rng)
        if quad is not None:
            picture = Labelled(picture.bgr, np.concatenate([picture.quads, quad[None]]), np.append(picture.cornered, True))
    return picture


def unseamed(view: Labelled) -> Labelled:
    """A tile of a mosaic without the plates that its edge cuts: they are painted over, in place, for half a plate is no plate."""
    whole = visible_share(view) > 0.98
    edge = np.array([*view.bgr.shape[1::-1]] * 2)
    for box in view.boxes[~whole]:
        x1, y1, x2, y2 = (int(side) for side in np.clip(np.round(box), 0, edge))
        if x2 - x1 > 2 and y2 - y1 > 2:
            paste.erase(view.bgr, (x1, y1, x2, y2))
    return Labelled(view.bgr, view.quads[whole], view.cornered[whole])


def visible_share(picture: Labelled) -> F32:
    """(k,) the share of each plate's box that lies on the picture."""
    boxes = picture.boxes
    cut = np.clip(boxes, 0, np.float32([*picture.bgr.shape[1::-1]] * 2))
    share: F32 = np.prod(cut[:, 2:] - cut[:, :2], axis=1) / np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-6)
    return share


def framed(picture: Labelled) -> Sample:
    """A canvas with its plates cut at the edge; tiny and mostly hidden ones are to be ignored, those outside are dropped."""
    share = visible_share(picture)
    boxes = np.clip(picture.boxes, 0, np.float32([*picture.bgr.shape[1::-1]] * 2))
    ignored = (boxes[:, 2] - boxes[:, 0] < IGNORED_PX) | (share < VISIBLE)
    on = share > 0.02
    return Sample(picture.bgr, boxes[on], picture.quads[on], picture.cornered[on], ignored[on])
