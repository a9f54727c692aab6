"""Typefaces as glyph masks: open-licence fonts where they are installed, and our own stroke-drawn faces everywhere.

Installed faces (Debian packages): OSP-DIN (fonts-opendin, OFL; DIN 1451 Engschrift, near Vietnam's face), Roadgeek 2014
(fonts-roadgeek, MIT; road-sign gothics, near Taiwan's and America's), Roboto (fonts-roboto-unhinted, Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from alpr.types import ALPHABET, U8

MASK_PX = 96
"""Height of a cached glyph mask: its capital height fills it exactly."""
CHARACTERS = ALPHABET + "Đ"
INSTALLED = {
    "din": "opendin/OSP-DIN.ttf",
    "road-b": "roadgeek/RG2014B.ttf",
    "road-c": "roadgeek/RG2014C.ttf",
    "road-d": "roadgeek/RG2014D.ttf",
    "road-e": "roadgeek/RG2014E.ttf",
    "roboto": "roboto/unhinted/RobotoCondensed-Bold.ttf",
    "roboto-medium": "roboto/unhinted/RobotoCondensed-Medium.ttf",
    "dejavu": "dejavu/DejaVuSansCondensed-Bold.ttf",
}
FONT_ROOTS = (Path("/usr/share/fonts/truetype"), Path.home() / ".local/share/fonts")

# Strokes in a unit box, y down: polylines "x y, x y r, …"; r rounds that corner, a leading o closes the line.
STROKES = {
    "0": ["o 0 0 r,1 0 r,1 1 r,0 1 r"],
    "1": [".1 .24,.6 0,.6 1"],
    "2": ["0 .26,0 0 r,1 0 r,1 .42 r,0 1,1 1"],
    "3": ["0 .22,0 0 r,1 0 r,1 .47 r,.4 .47", ".4 .47,1 .47 r,1 1 r,0 1 r,0 .78"],
    "4": [".74 1,.74 0,0 .73,1 .73"],
    "5": [".95 0,.1 0,.05 .46,.05 .4 r,1 .4 r,1 1 r,0 1 r,0 .79"],
    "6": [".8 0,.3 .3 r,0 .68 r,0 1 r,1 1 r,1 .44 r,.2 .44 r,0 .68"],
    "7": ["0 0,1 0,.35 1"],
    "8": ["o .06 0 r,.94 0 r,.94 .46 r,.06 .46 r", "o 0 .46 r,1 .46 r,1 1 r,0 1 r"],
    "9": [".2 1,.7 .7 r,1 .32 r,1 0 r,0 0 r,0 .56 r,.8 .56 r,1 .32"],
    "A": ["0 1,.5 0,1 1", ".17 .68,.83 .68"],
    "B": ["0 .47,0 0,.92 0 r,.92 .47 r,0 .47", "0 .47,1 .47 r,1 1 r,0 1,0 .47"],
    "C": ["1 .24,1 0 r,0 0 r,0 1 r,1 1 r,1 .76"],
    "D": ["o 0 0,1 0 r,1 1 r,0 1"],
    "E": ["1 0,0 0,0 1,1 1", "0 .48,.82 .48"],
    "F": ["1 0,0 0,0 1", "0 .48,.82 .48"],
    "G": ["1 .24,1 0 r,0 0 r,0 1 r,1 1 r,1 .53,.55 .53"],
    "H": ["0 0,0 1", "1 0,1 1", "0 .48,1 .48"],
    "I": [".5 0,.5 1"],
    "J": ["1 0,1 1 r,0 1 r,0 .74"],
    "K": ["0 0,0 1", "1 0,0 .58", ".36 .37,1 1"],
    "L": ["0 0,0 1,1 1"],
    "M": ["0 1,0 0,.5 .6,1 0,1 1"],
    "N": ["0 1,0 0,1 1,1 0"],
    "O": ["o 0 0 r,1 0 r,1 1 r,0 1 r"],
    "P": ["0 1,0 0,1 0 r,1 .54 r,0 .54"],
    "Q": ["o 0 0 r,1 0 r,1 1 r,0 1 r", ".55 .72,1 1.04"],
    "R": ["0 1,0 0,1 0 r,1 .54 r,0 .54", ".5 .54,1 1"],
    "S": ["1 .22,1 0 r,0 0 r,0 .47 r,1 .47 r,1 1 r,0 1 r,0 .78"],
    "T": ["0 0,1 0", ".5 0,.5 1"],
    "U": ["0 0,0 1 r,1 1 r,1 0"],
    "V": ["0 0,.5 1,1 0"],
    "W": ["0 0,.25 1,.5 .35,.75 1,1 0"],
    "X": ["0 0,1 1", "1 0,0 1"],
    "Y": ["0 0,.5 .52,1 0", ".5 .52,.5 1"],
    "Z": ["0 0,1 0,0 1,1 1"],
    "Đ": ["o 0 0,1 0 r,1 1 r,0 1", "-.2 .48,.5 .48"],
}
UPRIGHT_R = ["0 1,0 0,1 0 r,1 .54 r,0 .54", ".5 .54,.96 .58 r,.96 1"]  # its leg falls straight: worn or small it is nearly a B
FLAT_3 = ["0 0,1 0,.42 .4,.5 .4,1 .4 r,1 1 r,0 1 r,0 .8"]
# Other forms of the same characters: Taiwan's flat 3, its M and W without slopes and its upright R, round 6 and 9, an open 4, a flat
# A, a short bar on the G, feet and bars.
VARIANTS = {
    "1": [["0 .25,.5 0,.5 1", "0 1,1 1"], [".3 .14,.62 0,.62 1"]],
    "3": [FLAT_3],
    "4": [["1 .72,0 .72,.6 0", ".74 .42,.74 1"]],
    "6": [["1 .2,1 0 r,0 0 r,0 1 r,1 1 r,1 .44 r,0 .44"]],
    "7": [["0 .18,0 0,1 0,.4 1"]],
    "9": [["0 .8,0 1 r,1 1 r,1 0 r,0 0 r,0 .56 r,1 .56"]],
    "A": [["0 1,.4 0,.6 0,1 1", ".12 .72,.88 .72"], ["0 1,.5 0,1 1", ".1 .78,.9 .78"]],
    "G": [["1 .24,1 0 r,0 0 r,0 1 r,1 1 r,1 .58,.7 .58"]],
    "I": [[".5 0,.5 1", "0 0,1 0", "0 1,1 1"]],
    "J": [[".2 0,1 0,1 1 r,0 1 r,0 .74"]],
    "M": [["0 1,0 0,.5 1,1 0,1 1"], ["0 1,0 0,.5 .8,1 0,1 1"]],
    "R": [UPRIGHT_R, ["0 1,0 0,1 0 r,1 .54 r,0 .54", ".66 .54,1 1"]],
    "W": [["0 0,.22 1,.5 0,.78 1,1 0"], ["0 0,0 1,.5 .4,1 1,1 0"]],
}
# Faces of a family, drawn: the forms, of which a face has one each, that differ from STROKES; then widths, and the ranges of width,
# weight and roundness.
TAIWAN = {
    "1": [[".5 0,.5 1", ".3 .12,.5 0"]],
    "3": [FLAT_3, FLAT_3, ["0 0,1 0,.36 .44,.5 .42,1 .44 r,1 1 r,0 1 r,0 .78"]],
    "G": [
        ["1 .24,1 0 r,0 0 r,0 1 r,1 1 r,1 .53,.5 .53"],
        ["1 .24,1 0 r,0 0 r,0 1 r,1 1 r,1 .9,1 .55,.5 .55", "1 .55,1 1"],
        ["1 .24,1 0 r,0 0 r,0 1 r,1 1 r,1 .58,.68 .58"],
    ],
    "I": [[".5 0,.5 1"]],
    "J": [["1 0,1 1 r,0 1 r,0 .7"]],
    "M": [["0 1,0 0,.5 .82,1 0,1 1"], ["0 1,0 0,.5 .65,1 0,1 1"], ["0 1,0 0,.5 .97,1 0,1 1"]],
    "Q": [["o 0 0 r,1 0 r,1 1 r,0 1 r", ".5 .74,1 1"], ["o 0 0 r,1 0 r,1 1 r,0 1 r", ".6 .8,1.1 1.04"]],
    "R": [["0 1,0 0,1 0 r,1 .54 r,0 .54", ".6 .54,.96 1"], UPRIGHT_R],
    "W": [["0 0,.12 1,.5 .18,.88 1,1 0"], ["0 0,.25 1,.5 .05,.75 1,1 0"], ["0 0,.06 1,.5 .4,.94 1,1 0"]],
}
GERMAN = {  # Fälschungserschwerende Schrift and its like: feet and flags, open 4, round 6 and 9
    "1": [[".2 .2,.6 0,.6 1"]],
    "4": [[".55 0,0 .72,1 .72", ".74 .42,.74 1"]],
    "6": [[".9 .1,.6 0 r,0 0 r,0 1 r,1 1 r,1 .44 r,.1 .44"]],
    "9": [[".1 .9,.4 1 r,1 1 r,1 0 r,0 0 r,0 .56 r,.9 .56"]],
    "A": [["0 1,.4 0,.6 0,1 1", ".14 .68,.86 .68"], ["0 1,.5 0,1 1", ".14 .68,.86 .68"]],
    "I": [[".5 0,.5 1", "0 0,1 0", "0 1,1 1"]],
    "J": [[".2 0,1 0,1 1 r,0 1 r,0 .76"]],
    "M": [["0 1,0 0,.5 .5,1 0,1 1"]],
    "W": [["0 0,.25 1,.5 .4,.75 1,1 0"]],
}
LONG_FLAG = ["0 .16,.8 0,.8 1"]  # nearly level: blurred or turned, only the upright stem tells it from a 7
VIETNAM = {  # near DIN 1451, wider: on the 1 a flag so long that blur makes a 7 of it, an open 4
    "1": [LONG_FLAG, LONG_FLAG, ["0 .1,.7 0,.8 0,.8 1"], ["0 .26,.85 0,.85 1"]],
    "4": [[".6 0,0 .73,1 .73", ".72 .45,.72 1"], [".74 1,.74 0,0 .73,1 .73"]],
    "7": [["0 0,1 0,.35 1"], ["0 0,1 0,.45 .55,.35 1"]],
    "M": [["0 1,0 0,.5 .6,1 0,1 1"], ["0 1,0 0,.5 .8,1 0,1 1"]],
}
FAMILIES = {
    "vietnam": (VIETNAM, {"1": 0.8, "M": 1.1, "W": 1.15}, (0.43, 0.6), (0.1, 0.155), (0.35, 0.5)),
    "taiwan": (TAIWAN, {"M": 1.05, "W": 1.05, "1": 0.5, "I": 0.4}, (0.38, 0.54), (0.115, 0.155), (0.35, 0.5)),
    "german": (GERMAN, {"I": 0.75, "M": 1.1, "W": 1.1, "1": 0.7}, (0.44, 0.62), (0.1, 0.145), (0.12, 0.35)),
}
WIDTH_OF = {"1": 0.75, "I": 0.35, "M": 1.22, "W": 1.3, "J": 0.85, "A": 1.1, "V": 1.05, "L": 0.9, "E": 0.92, "F": 0.92}


@dataclass(frozen=True, slots=True)
class Face:
    """A typeface as masks: 255 is ink; every mask is MASK_PX high and as wide as its glyph's ink."""

    name: str
    masks: dict[str, U8]


def faces(rng: np.random.Generator, strokes: int = 12) -> dict[str, Face]:
    """All installed faces, `strokes` stroke-drawn ones of random width, weight and roundness ("stroke-0" …), and a few of each family."""
    found = {name: Face(name, _font_masks(path)) for name, path in _installed()}
    for i in range(strokes):
        name = f"stroke-{i}"
        forms = STROKES | {char: other[int(rng.integers(len(other)))] for char, other in VARIANTS.items() if rng.random() < 0.5}
        found[name] = stroke_face(name, rng.uniform(0.36, 0.6), rng.uniform(0.1, 0.17), rng.uniform(0.25, 0.5), forms)
    if "din" in found:  # Vietnam's dies have DIN's letters and a 1 of their own
        found["din-vietnam"] = Face("din-vietnam", found["din"].masks | {"1": _stroke_mask("1", LONG_FLAG, 0.38, 0.145, 0.4)})
    for family, (forms, widths, *ranges) in FAMILIES.items():
        for i in range(max(1, strokes // 3)):
            name, shape = f"{family}-{i}", [rng.uniform(*limits) for limits in ranges]
            chosen = STROKES | {char: several[int(rng.integers(len(several)))] for char, several in forms.items()}
            found[name] = stroke_face(name, shape[0], shape[1], shape[2], chosen, WIDTH_OF | widths)
    return found


def stroke_face(
    name: str,
    width: float,
    weight: float,
    roundness: float,
    forms: Mapping[str, list[str]] = STROKES,
    width_of: Mapping[str, float] = WIDTH_OF,
) -> Face:
    """A face drawn from strokes: glyph width, stroke weight (both per height) and corner radius (per glyph width)."""
    return Face(name, {char: _stroke_mask(char, forms[char], width * width_of.get(char, 1.0), weight, roundness) for char in CHARACTERS})


def _installed() -> list[tuple[str, Path]]:
    paths = [(name, root / part) for name, part in INSTALLED.items() for root in FONT_ROOTS]
    return [(name, path) for name, path in paths if path.is_file()]


def _font_masks(path: Path) -> dict[str, U8]:
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(path), 2 * MASK_PX)
    masks = {}
    for char in ALPHABET:
        picture = Image.new("L", (5 * MASK_PX, 5 * MASK_PX))
        ImageDraw.Draw(picture).text((MASK_PX, MASK_PX), char, fill=255, font=font)
        masks[char] = _trimmed(np.asarray(picture))
    return masks | {"Đ": _barred(masks["D"])}


def _barred(mask: U8) -> U8:
    """Đ from D: few faces have it."""
    overhang = mask.shape[1] // 5
    barred = cv2.copyMakeBorder(mask, 0, 0, overhang, 0, cv2.BORDER_CONSTANT, value=0)
    cv2.line(barred, (0, MASK_PX // 2), (overhang + mask.shape[1] // 2, MASK_PX // 2), 255, MASK_PX // 10, cv2.LINE_AA)
    return barred  # type: ignore[return-value]


def _trimmed(picture: U8) -> U8:
    """Cut to the ink and scale to MASK_PX high, aspect kept."""
    x, y, w, h = cv2.boundingRect(picture)
    ink = picture[y : y + h, x : x + w]
    return cv2.resize(ink, (max(4, round(w * MASK_PX / h)), MASK_PX), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _stroke_mask(char: str, lines: list[str], width: float, weight: float, roundness: float) -> U8:
    stroke = max(2, round(weight * MASK_PX))
    width_px = max(stroke + 1, round(width * MASK_PX))
    overhang = round(0.2 * width_px) if char == "Đ" else 0
    mask = np.zeros((MASK_PX, width_px + overhang), np.uint8)
    scale = np.array([width_px - stroke, MASK_PX - stroke], np.float32)
    for line in lines:
        points, closed = _polyline(line, roundness * float(scale[0]), scale)
        points += np.float32([stroke / 2 + overhang, stroke / 2])
        cv2.polylines(mask, [np.round(points * 16).astype(np.int32)], closed, 255, stroke, cv2.LINE_AA, shift=4)
    return mask


def _polyline(line: str, radius: float, scale: np.ndarray) -> tuple[np.ndarray, bool]:
    """Parse one stroke into points in pixels, its marked corners rounded by quadratic curves."""
    closed = line.startswith("o ")
    corners = [corner.split() for corner in line.removeprefix("o ").split(",")]
    at = np.array([[float(corner[0]), float(corner[1])] for corner in corners]) * scale
    points: list[np.ndarray] = []
    for i, corner in enumerate(corners):
        inner = closed or 0 < i < len(corners) - 1
        points += _rounded(at[i - 1], at[i], at[(i + 1) % len(at)], radius) if corner[-1] == "r" and inner else [at[i]]
    return np.array(points, np.float32), closed


def _rounded(before: np.ndarray, corner: np.ndarray, after: np.ndarray, radius: float) -> list[np.ndarray]:
    def cut(towards: np.ndarray) -> np.ndarray:
        length = float(np.linalg.norm(towards - corner))
        return corner + (towards - corner) * min(radius, length / 2) / max(length, 1e-6)

    start, end = cut(before), cut(after)
    return [(1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end for t in np.linspace(0, 1, 7)]
