"""Draw a plate straight on: ink on its ground, with furniture, bolts, dirt, wear, embossing, shadow and uneven light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from alpr.types import F32, U8
from training.synth import glyphs, layouts
from training.synth.glyphs import Face
from training.synth.layouts import Layout

Rng = np.random.Generator
NARROW = {"-": 0.42, ".": 0.2, "·": 0.24, " ": 0.4}
"""Widths of separators, per glyph height."""
CELLS = 0.55
"""Share of plates whose glyphs all have one width: a 1 then stands far from its neighbours."""


@dataclass(frozen=True, slots=True)
class RenderedPlate:
    """A plate's picture, nothing around it, and its truth."""

    bgr: U8
    text: str
    country: str
    lines: int


def render_plate(rng: Rng, faces: Mapping[str, Face], layout: Layout | None = None, line_px: int = 44, wear: float = 1.0) -> RenderedPlate:
    """Draw one plate. `line_px`: height of a one-line plate, a line of a two-line plate is about as high; `wear` 0 is factory-new."""
    layout = layout or layouts.sample(rng)
    height = round(line_px * (1 if len(layout.lines) == 1 else 1.9) * (1.25 if layout.aspect < 3 and len(layout.lines) == 1 else 1))
    width = round(height * layout.aspect)
    face = _face(rng, faces, layout.faces)
    ink = np.zeros((height, width), np.uint8)
    plate = _ground(rng, layout, height, width)
    for line, (x, y, w, h) in zip(layout.lines, _boxes(rng, layout, height, width), strict=True):
        _write(rng, ink, face, line, x, y, w, h)
    plate = _ink(rng, plate, ink, layout, wear)
    _border(rng, plate, layout)
    _bolts(rng, plate, "slots" in layout.furniture)
    _stickers(rng, plate, layout)
    if wear:
        plate = _dirty(rng, plate, wear)
    return RenderedPlate(np.clip(plate, 0, 255).astype(np.uint8), layout.text, layout.country, len(layout.lines))


def _face(rng: Rng, faces: Mapping[str, Face], wanted: tuple[str, ...]) -> Face:
    """A face of a wanted kind; stroke faces stand in where a font is not installed."""
    kind = str(rng.choice(wanted))
    if kind in faces and rng.random() < 0.9:
        return faces[kind]
    family = kind if kind in glyphs.FAMILIES and rng.random() < 0.9 else "stroke"
    return faces[str(rng.choice([name for name in faces if name.startswith(f"{family}-")]))]


def _boxes(rng: Rng, layout: Layout, height: int, width: int) -> list[tuple[float, float, float, float]]:
    """Where each line of text stands: (x, y, w, h) in pixels."""
    margin_x = rng.uniform(0.02, 0.07) * width
    beside = {"band": 0.09, "top-band": 0.05}
    left = margin_x + max((share * width for name, share in beside.items() if name in layout.furniture and layout.aspect > 3), default=0.0)
    top = height * (rng.uniform(0.18, 0.3) if {"header", "top-band", "seals"} & set(layout.furniture) else rng.uniform(0.06, 0.15))
    bottom = height * (1 - (rng.uniform(0.16, 0.26) if "footer" in layout.furniture else rng.uniform(0.06, 0.15)))
    if len(layout.lines) == 1:
        top, bottom = (height * share for share in layout.text_y) if layout.text_y else (top, bottom)
        return [(left, top, width - left - margin_x, bottom - top)]
    gap = rng.uniform(0.05, 0.1) * height
    split = rng.uniform(0.42, 0.5)  # the upper line is often the smaller one
    upper = (bottom - top - gap) * split
    return [
        (left, top, width - left - margin_x, upper),
        (left, top + upper + gap, width - left - margin_x, bottom - top - gap - upper),
    ]


def _write(rng: Rng, ink: U8, face: Face, line: str, x: float, y: float, w: float, h: float) -> None:
    """Set a line of text into its box, squeezed or spaced to fit: at natural widths, or each glyph in a cell of one width, as dies are."""
    squeeze, spacing = rng.uniform(0.85, 1.1), rng.uniform(0.06, 0.2) * h
    pitch = _width(face, "0", h) * rng.uniform(0.95, 1.05) if rng.random() < CELLS else None
    glyphs = [min(_width(face, char, h), 1.12 * pitch if pitch else np.inf) for char in line]  # dies narrow their M and W
    cells = [max(glyph, pitch) if pitch and char not in NARROW else glyph for glyph, char in zip(glyphs, line, strict=True)]
    total = squeeze * sum(cells) + spacing * (len(line) - 1)
    if total > w:
        squeeze, spacing, total = squeeze * w / total, spacing * w / total, w
    elif total < 0.8 * w and len(line) > 1:
        spacing += min(rng.uniform(0.3, 1.0) * (w - total) / (len(line) - 1), 0.3 * h)
    at = x + max(0.0, (w - squeeze * sum(cells) - spacing * (len(line) - 1)) / 2)
    for char, glyph, cell in zip(line, glyphs, cells, strict=True):
        _stamp(rng, ink, face, char, at + squeeze * (cell - glyph) / 2, y + rng.normal(0, 0.006) * h, squeeze * glyph, h)
        at += squeeze * cell + spacing


def _width(face: Face, char: str, height: float) -> float:
    if char in NARROW:
        return NARROW[char] * height
    mask = face.masks.get(char, face.masks["M"])
    return mask.shape[1] / mask.shape[0] * height


def _stamp(rng: Rng, ink: U8, face: Face, char: str, x: float, y: float, w: float, h: float) -> None:
    if char == " ":
        return
    if char in "-.·":
        middle = y + (0.5 if char in "-·" or rng.random() < 0.5 else 0.92) * h
        half = max(1.0, 0.055 * h)
        left = (x + 0.12 * w, x + 0.88 * w) if char == "-" else (x + w / 2 - 1.2 * half, x + w / 2 + 1.2 * half)
        cv2.rectangle(ink, (round(left[0]), round(middle - half)), (round(left[1]), round(middle + half)), 255, -1)
        return
    width, height = max(2, round(w)), max(3, round(h))
    mask = _scribble(rng, height, width) if char == "~" else face.masks[char]
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    x0, y0 = max(0, round(x)), max(0, round(y))
    part = ink[y0 : y0 + height, x0 : x0 + width]
    np.maximum(part, mask[: part.shape[0], : part.shape[1]], out=part)


def _scribble(rng: Rng, height: int, width: int) -> U8:
    """Something that is no Latin character: a province sign, a seal, an emblem."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(4, 9))):
        a, b = (rng.random((2, 2)) * (width, height)).astype(int)
        b = np.where(rng.random(2) < 0.5, a, b)
        cv2.line(mask, a.tolist(), b.tolist(), 255, max(1, height // 14), cv2.LINE_AA)
    return mask


def _noise(rng: Rng, height: int, width: int, cells: tuple[int, int]) -> F32:
    """Smooth noise of about unit deviation: a coarse grid of normals, enlarged."""
    return cv2.resize(rng.normal(size=cells).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


def _ground(rng: Rng, layout: Layout, height: int, width: int) -> F32:
    colour = np.clip(np.float32(layout.ground) + rng.normal(0, 10, 3), 0, 255).astype(np.float32)
    plate = np.empty((height, width, 3), np.float32)
    plate[:] = colour
    dark = np.float32(layout.ink)
    if "band" in layout.furniture and layout.aspect > 3:
        cv2.rectangle(plate, (0, 0), (round(0.085 * width), height), tuple(map(float, layouts.BLUE)), -1)
        _small_text(rng, plate, 0.01 * width, 0.62 * height, 0.07 * width, 0.3 * height, np.float32((230, 230, 230)))
    if "top-band" in layout.furniture:
        cv2.rectangle(plate, (0, 0), (width, round(0.2 * height)), tuple(map(float, layouts.BLUE)), -1)
        _small_text(rng, plate, 0.3 * width, 0.04 * height, 0.4 * width, 0.12 * height, np.float32((230, 230, 230)))
        _small_text(rng, plate, 0.015 * width, rng.uniform(0.6, 0.75) * height, 0.05 * width, 0.18 * height, dark)  # Mercosur's BR, AR
    if "seals" in layout.furniture:
        _seals(rng, plate, rng.uniform(0.02, 0.1) * height, rng.uniform(0.12, 0.22) * height, dark)
    elif "header" in layout.furniture:
        wide = rng.uniform(0.2, 0.8)
        _small_text(rng, plate, (0.5 - wide / 2) * width, 0.03 * height, wide * width, rng.uniform(0.1, 0.16) * height, dark)
    if "footer" in layout.furniture:
        wide = rng.uniform(0.3, 0.9)
        _small_text(rng, plate, (0.5 - wide / 2) * width, 0.84 * height, wide * width, rng.uniform(0.09, 0.14) * height, dark)
    if "emblem" in layout.furniture:
        centre = (round(rng.uniform(0.3, 0.7) * width), round(0.5 * height))
        cv2.circle(plate, centre, max(2, round(0.1 * height)), rng.uniform(40, 220, 3).tolist(), -1, cv2.LINE_AA)
    return plate


def _seals(rng: Rng, plate: F32, y: float, h: float, colour: F32) -> None:
    """A few characters of another script in a row above the text, large enough to be taken for a line of it: a province, a purpose."""
    width, side = plate.shape[1], max(6, round(h))
    count = int(rng.integers(2, 6))
    pitch = side * rng.uniform(1.1, 2.2)
    at = rng.uniform(0.35, 0.65) * width - pitch * count / 2
    strength = rng.uniform(0.4, 1.0)
    for i in range(count):
        mask, thick = np.zeros((side, side), np.uint8), max(1, side // 9)
        for place in rng.uniform(0.05, 0.95, int(rng.integers(2, 5))):
            cv2.line(mask, (0, round(place * side)), (side, round(place * side)), 255, thick, cv2.LINE_AA)
        for place in rng.uniform(0.1, 0.9, int(rng.integers(1, 4))):
            cv2.line(mask, (round(place * side), 0), (round((place + rng.normal(0, 0.15)) * side), side), 255, thick, cv2.LINE_AA)
        x0, y0 = round(at + i * pitch), round(y)
        part = plate[y0 : y0 + side, max(0, x0) : max(0, x0 + side)]
        alpha = mask[: part.shape[0], : part.shape[1], None].astype(np.float32) * np.float32(strength / 255)
        part += alpha * (colour - part)


def _small_text(rng: Rng, plate: F32, x: float, y: float, w: float, h: float, colour: F32) -> None:
    """Words nobody reads: a country, a dealer, a slogan, sometimes on a sticker."""
    if rng.random() < 0.15:
        box = (round(x), round(y)), (round(x + w), round(y + 1.2 * h))
        cv2.rectangle(plate, *box, rng.uniform(20, 240, 3).tolist(), -1)
    if rng.random() < 0.5:
        mask = _scribble(rng, max(4, round(h)), max(6, round(w)))
    else:
        mask = np.zeros((24, max(24, round(24 * w / max(h, 1)))), np.uint8)
        word = layouts.of(rng, layouts.LETTERS, max(1, round(0.9 * w / max(h, 1))))
        cv2.putText(mask, word, (0, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2, cv2.LINE_AA)
        mask = cv2.resize(mask, (max(6, round(w)), max(4, round(h))), interpolation=cv2.INTER_AREA)
    x0, y0 = max(0, round(x)), max(0, round(y))
    part = plate[y0 : y0 + mask.shape[0], x0 : x0 + mask.shape[1]]
    alpha = mask[: part.shape[0], : part.shape[1], None].astype(np.float32) * (rng.uniform(0.5, 1) / 255)
    part += alpha * (colour - part)


def _ink(rng: Rng, plate: F32, ink: U8, layout: Layout, wear: float) -> F32:
    height, width = ink.shape
    if rng.random() < 0.35:  # a thinner face: a whole pixel would eat a small plate's strokes, so part of one
        ink = cv2.addWeighted(ink, 0.4, cv2.erode(ink, np.ones((3, 3), np.uint8)), 0.6, 0)  # type: ignore[assignment]
    alpha = ink.astype(np.float32) * np.float32(1 / 255)
    if rng.random() < 0.4:
        alpha = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.3, 0.9))
    if rng.random() < 0.35 * wear:  # worn paint
        alpha = alpha * np.clip(1.1 - rng.uniform(0.1, 0.5) * np.abs(_noise(rng, height, width, (8, 24))), 0.15, 1)
    if rng.random() < 0.16 * wear:  # rubbed off the crests of embossed strokes: outlines are left
        crest = cv2.erode(ink, np.ones((3, 3), np.uint8), iterations=max(1, round(0.02 * height)))
        alpha = alpha * (1 - np.float32(rng.uniform(0.3, 0.95) / 255) * cv2.GaussianBlur(crest, (0, 0), 0.7))
    if rng.random() < 0.12 * wear:  # bleached or dirty towards one side
        alpha = alpha * np.linspace(*rng.permutation([1.0, rng.uniform(0.2, 0.8)]), width, dtype=np.float32)
    if rng.random() < 0.3:  # faded as a whole
        alpha = alpha * np.float32(rng.uniform(0.4, 0.95))
    colour = np.clip(np.float32(layout.ink) + np.abs(rng.normal(0, 18, 3)), 0, 255).astype(np.float32)
    plate = plate + alpha[..., None] * (colour - plate)
    if rng.random() < 0.5:  # embossed: light falls on one edge of a stroke, not on the other
        shift = rng.choice([-1, 1], 2)
        edge = np.roll(ink, tuple(shift), (0, 1)).astype(np.float32) - np.roll(ink, tuple(-shift), (0, 1))
        plate = plate + edge[..., None] * np.float32(rng.uniform(0.05, 0.3) if rng.random() < 0.8 else rng.uniform(0.3, 0.6))
    return plate


def _border(rng: Rng, plate: F32, layout: Layout) -> None:
    if rng.random() < 0.55:
        height, width = plate.shape[:2]
        inset = round(rng.uniform(0.0, 0.04) * height)
        colour = layout.ink if rng.random() < 0.7 else tuple(rng.uniform(0, 255, 3))
        cv2.rectangle(
            plate,
            (inset, inset),
            (width - 1 - inset, height - 1 - inset),
            tuple(map(float, colour)),
            max(1, round(rng.uniform(0.01, 0.04) * height)),
        )


def _bolts(rng: Rng, plate: F32, slots: bool) -> None:
    """A pair of bolts at the same height, in slots where the country has those; sometimes another pair of slots below."""
    if rng.random() > (0.85 if slots else 0.6):
        return
    height, width = plate.shape[:2]
    y = rng.uniform(0.06, 0.2) if slots or rng.random() < 0.7 else rng.uniform(0.8, 0.94)
    x, radius = rng.uniform(0.12, 0.35), max(1, round(rng.uniform(0.02, 0.045) * height))
    dark = rng.uniform(10, 90)
    for side in (x, 1 - x):
        centre = (round(side * width), round(y * height))
        if slots:
            shift, half = round(rng.normal(0, 0.015) * width), round(rng.uniform(0.02, 0.045) * width)
            ends = (centre[0] + shift - half, centre[1]), (centre[0] + shift + half, centre[1])
            cv2.line(plate, *ends, (dark, dark, dark), max(1, radius), cv2.LINE_AA)
        cv2.circle(plate, centre, radius, (rng.uniform(20, 200, 3) * (1, 1, 1)).tolist(), -1, cv2.LINE_AA)
        cv2.circle(plate, centre, radius, rng.uniform(0, 90, 3).tolist(), 1, cv2.LINE_AA)
        if slots and dark > 65:
            below, half = round(rng.uniform(0.86, 0.9) * height), round(0.04 * width)
            cv2.line(plate, (centre[0] - half, below), (centre[0] + half, below), (dark, dark, dark), max(1, radius), cv2.LINE_AA)


def _stickers(rng: Rng, plate: F32, layout: Layout) -> None:
    """A dealer's, a tax's: in the corners, where no character stands."""
    if not layout.text_y or rng.random() < 0.6:
        return
    height, width = plate.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        above = rng.random() < 0.7
        tall = 0.85 * height * (layout.text_y[0] if above else 1 - layout.text_y[1])
        w, h = round(tall * rng.uniform(0.9, 2.5)), round(tall * rng.uniform(0.6, 1))
        x = round(rng.choice([rng.uniform(0.01, 0.08), rng.uniform(0.3, 0.6), rng.uniform(0.82, 0.9)]) * width)
        y = round(0.02 * height) if above else round(height * 0.98 - h)
        colour = rng.uniform(30, 240, 3).tolist()
        if rng.random() < 0.3:
            cv2.circle(plate, (x + h // 2, y + h // 2), max(2, h // 2), colour, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(plate, (x, y), (x + w, y + h), colour, -1)
            _small_text(rng, plate, x + 0.1 * w, y + 0.2 * h, 0.8 * w, 0.5 * h, np.float32(rng.uniform(0, 255, 3)))


def _dirty(rng: Rng, plate: F32, wear: float) -> F32:
    height, width = plate.shape[:2]
    if rng.random() < 0.5:  # uneven light
        plate = plate * np.exp(rng.uniform(0.03, 0.2) * _noise(rng, height, width, (2, 3)))[..., None]
    if rng.random() < 0.35 * wear:  # mud and dust
        mud = np.clip(_noise(rng, height, width, (5, 12)) - rng.uniform(0.6, 1.8), 0, 1)[..., None] * np.float32(rng.uniform(0.3, 0.9))
        plate = plate + mud * (rng.uniform((20, 40, 60), (110, 130, 150)).astype(np.float32) - plate)
    if rng.random() < 0.2 * wear:  # scratches
        for _ in range(int(rng.integers(1, 5))):
            a, b = (rng.random((2, 2)) * (width, height)).astype(int).tolist()
            cv2.line(plate, a, b, rng.uniform(60, 220, 3).tolist(), 1, cv2.LINE_AA)
    if rng.random() < 0.22 * wear:  # glints: the sun on a dent, as large as a plate or as half a character, whitens ground and ink alike
        cells = (4, 8) if rng.random() < 0.6 else (7, 18)
        grain = _noise(rng, height, width, cells) + 0.5 * _noise(rng, height, width, (10, 20))
        alpha = np.clip(grain - rng.uniform(1.5, 2.4), 0, 1)[..., None] * np.float32(rng.uniform(0.6, 1.2))
        plate = plate + np.clip(alpha, 0, 1) * (rng.uniform(215, 255) - plate)
    return plate
