"""What plates say and how they are laid out, by country: texts, lines, shapes, colours, faces and furniture.

Shapes follow the published plate sizes in millimetres (width/height); colours are BGR. A text's separators are drawn but
not read; Vietnam's Đ is read as D.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
VN_SERIES = "ABCDEFGHKLMNPRSTUVXYZ"
VN_DIGITS = DIGITS + "1717"
"""A 1 with a long flag and a 7 are one blur: both stand more often than the others, and alike."""

WHITE, BLACK, YELLOW = (235, 235, 235), (25, 22, 22), (30, 175, 225)
BLUE, RED, GREEN, GRAY = (150, 70, 20), (40, 30, 185), (70, 110, 30), (170, 168, 165)
INK_RED, INK_BLUE, INK_GREEN = (45, 35, 180), (140, 50, 30), (70, 100, 25)

EU = (
    ("RO", "AA 99 AAA"), ("RO", "AA 99 AAA"), ("RO", "B 99 AAA"), ("RO", "B 999 AAA"), ("DE", "AA AA 99"), ("DE", "A AA 9999"),
    ("DE", "AAA A 999"), ("FR", "AA-999-AA"), ("IT", "AA 999AA"), ("PL", "AA 99999"), ("PL", "AAA A999"), ("ES", "9999 AAA"),
    ("NL", "AA-999-A"), ("NL", "99-AA-AA"), ("CZ", "9A9 9999"), ("HU", "AAA-999"), ("PT", "99-AA-99"), ("AT", "AA 999AA"),
    ("SE", "AAA 99A"), ("LT", "AAA 999"), ("IE", "99-A-9999"),
)  # fmt: skip
"""Countries whose plates are 520 mm by 110 mm with a blue band, each with a pattern; the more common ones stand twice."""

DIN = ("din", "din-vietnam", "din-vietnam", "din-vietnam", "vietnam", "vietnam", "stroke", "roboto")
ROAD = ("taiwan", "taiwan", "taiwan", "road-b", "road-c", "stroke", "stroke")
WIDE = ("stroke", "german", "road-d", "roboto", "din", "dejavu", "road-e")


@dataclass(frozen=True, slots=True)
class Layout:
    """A plate to draw. `furniture` names what stands beside the text: band, header, footer, emblem, top-band, slots, seals."""

    country: str
    lines: tuple[str, ...]  # as drawn, separators included
    aspect: float  # width / height
    ink: tuple[int, int, int]
    ground: tuple[int, int, int]
    faces: tuple[str, ...]
    furniture: tuple[str, ...] = ()
    text_y: tuple[float, float] | None = None  # where a single line stands, per plate height; None: where the furniture leaves room

    @property
    def text(self) -> str:
        """What a reader should say: A-Z0-9 only."""
        return "".join(char for line in self.lines for char in line.replace("Đ", "D") if char.isalnum())


Rng = np.random.Generator


def sample(rng: Rng, countries: tuple[str, ...] | None = None) -> Layout:
    """A random layout; countries by WEIGHTS, or evenly among those given."""
    if countries:
        return MAKERS[str(rng.choice(countries))](rng)
    names = list(WEIGHTS)
    weights = np.array([WEIGHTS[name] for name in names])
    return MAKERS[str(rng.choice(names, p=weights / weights.sum()))](rng)


def of(rng: Rng, alphabet: str, count: int) -> str:
    return "".join(alphabet[i] for i in rng.integers(len(alphabet), size=count))


def pick(rng: Rng, *options):
    return options[int(rng.integers(len(options)))]


def fill(rng: Rng, pattern: str, letters: str = LETTERS, digits: str = DIGITS) -> str:
    """A pattern's text: 9 is a digit, A a letter, anything else itself."""
    return "".join(of(rng, digits, 1) if c == "9" else of(rng, letters, 1) if c == "A" else c for c in pattern)


def _vn(rng: Rng) -> Layout:
    kind = rng.choice(["motorcycle", "car", "car-two", "other"], p=[0.46, 0.28, 0.16, 0.10])
    province = str(rng.integers(11, 100))
    ink, ground = pick(rng, *[(BLACK, WHITE)] * 7, (BLACK, YELLOW), (WHITE, BLUE), (INK_RED, WHITE))
    number = fill(rng, "999.99" if rng.random() < 0.75 else "9999", digits=VN_DIGITS)
    dash = pick(rng, "-", "-", "", " ")
    if kind == "motorcycle":
        series = pick(rng, *[fill(rng, "A9", VN_SERIES, VN_DIGITS)] * 5, fill(rng, "AA", VN_SERIES), fill(rng, "MĐ9"))
        return Layout("VN", (province + dash + series, number), rng.uniform(1.25, 1.5), ink, ground, DIN)
    series = pick(rng, *[fill(rng, "A", VN_SERIES)] * 6, "LD", "KT", "DA", "HC", "NN", "MĐ", "TĐ")
    if kind == "car":
        return Layout("VN", (province + series + pick(rng, "-", "-", " ") + number,), rng.uniform(4.0, 4.9), ink, ground, DIN)
    if kind == "car-two":
        return Layout("VN", (province + pick(rng, "", "-") + series, number), rng.uniform(1.35, 2.05), ink, ground, DIN)
    if rng.random() < 0.5:
        army = fill(rng, "AA", VN_SERIES) + "-" + fill(rng, "99-99")
        lines = (army,) if rng.random() < 0.6 else (army[:2], army[3:])
        return Layout("VN", lines, 4.4 if len(lines) == 1 else 1.6, WHITE, RED, DIN)
    mark = pick(rng, "NG", "NN", "QT")
    lines = (f"{province}-{mark}-{fill(rng, '999-99')}",) if rng.random() < 0.6 else (f"{province}-{mark}", fill(rng, "999-99"))
    return Layout("VN", lines, 4.4 if len(lines) == 1 else 1.5, INK_RED, WHITE, DIN)


def _tw(rng: Rng) -> Layout:
    letters = LETTERS.replace("I", "").replace("O", "")
    pattern = pick(rng, *["AAA-9999"] * 6, "AAA-999", "999-AAA", "9999-AA", "AA-9999", "AA-999", "A9A-999", "AA9-999", "9A-9999")
    ink, ground = pick(rng, *[(BLACK, WHITE)] * 6, (WHITE, GREEN), (INK_GREEN, WHITE), (INK_RED, WHITE), (BLACK, YELLOW))
    header = pick(rng, (), (), ("header",), ("seals",), ("seals",), ("seals", "footer"), ("header", "footer"), ("footer",))
    text = fill(rng, pattern, letters)
    text_y = (rng.uniform(0.22, 0.36), rng.uniform(0.72, 0.86)) if rng.random() < 0.7 else None
    text = text if rng.random() < 0.4 else text.replace("-", "·" if rng.random() < 0.6 else ".")
    return Layout("TW", (text,), rng.uniform(1.75, 2.5), ink, ground, ROAD, (*header, "slots"), text_y)


def _br(rng: Rng) -> Layout:
    if rng.random() < 0.5:
        text = fill(rng, "AAA9A99")
        lines = (text,) if rng.random() < 0.8 else (text[:3], text[3:])
        text_y = (rng.uniform(0.24, 0.32), rng.uniform(0.84, 0.95))
        return Layout(
            "BR", lines, 3.08 if len(lines) == 1 else 1.2, BLACK, WHITE, ("german", "german", "stroke", "din"), ("top-band",), text_y
        )
    text = fill(rng, "AAA-9999")
    lines = (text.replace("-", pick(rng, "-", "·", "·", ".")),) if rng.random() < 0.8 else (text[:3], text[4:])
    ink, ground = pick(rng, *[(BLACK, GRAY)] * 4, (WHITE, RED), (BLACK, WHITE))
    return Layout(
        "BR", lines, 3.08 if len(lines) == 1 else 1.2, ink, ground, ("stroke", "stroke", "german", "din", "roboto", "road-d"), ("header",)
    )


def _eu(rng: Rng) -> Layout:
    name, pattern = pick(rng, *EU)
    lines: tuple[str, ...] = (fill(rng, pattern),)
    if rng.random() < 0.12 and " " in lines[0]:
        head, _, tail = lines[0].partition(" ")
        lines = (head, tail)
    aspect = rng.uniform(4.2, 4.8) if len(lines) == 1 else rng.uniform(1.4, 1.9)
    ground = pick(rng, WHITE, WHITE, WHITE, WHITE, YELLOW)
    emblem = ("emblem",) if rng.random() < 0.3 else ()
    return Layout(name, lines, aspect, BLACK if rng.random() < 0.93 else INK_RED, ground, WIDE, ("band", *emblem))


def _gb(rng: Rng) -> Layout:
    text = fill(rng, pick(rng, *["AA99 AAA"] * 5, "A999 AAA", "AAA 999A"), LETTERS.replace("I", "").replace("Q", ""))
    head, _, tail = text.partition(" ")
    lines = (text,) if rng.random() < 0.82 else (head, tail)
    aspect = rng.uniform(4.3, 4.8) if len(lines) == 1 else rng.uniform(1.3, 1.7)
    return Layout("GB", lines, aspect, BLACK, pick(rng, WHITE, YELLOW), WIDE, pick(rng, (), ("band",), ("footer",)))


def _in(rng: Rng) -> Layout:
    head, tail = fill(rng, pick(rng, "AA 99", "AA 9")), fill(rng, pick(rng, "AA 9999", "AA 9999", "A 9999", "9999"))
    lines = (f"{head} {tail}",) if rng.random() < 0.6 else (head, tail)
    ink, ground = pick(rng, (BLACK, WHITE), (BLACK, WHITE), (BLACK, YELLOW), (WHITE, GREEN))
    return Layout(
        "IN", lines, rng.uniform(4.0, 4.8) if len(lines) == 1 else rng.uniform(1.4, 2.0), ink, ground, WIDE, pick(rng, (), ("band",))
    )


def _pk(rng: Rng) -> Layout:
    text = fill(rng, pick(rng, "AAA-999", "AAA-999", "AA-999", "AAA-9999", "AA-9999"))
    lines = (text,) if rng.random() < 0.8 else (text.split("-")[0], text.split("-")[1])
    ink, ground = pick(rng, (BLACK, WHITE), (BLACK, YELLOW), (WHITE, GREEN), (BLACK, WHITE))
    furniture = pick(rng, ("footer",), ("footer", "emblem"), ("band", "footer"), ())
    return Layout("PK", lines, rng.uniform(1.9, 3.2) if len(lines) == 1 else rng.uniform(1.2, 1.8), ink, ground, WIDE, furniture)


def _my(rng: Rng) -> Layout:
    text = fill(rng, pick(rng, "AAA 9999", "AAA 999", "WA 9999 A", "A 9999", "AA 999"), LETTERS.replace("I", "").replace("O", ""))
    head, _, tail = text.partition(" ")
    lines = (text,) if rng.random() < 0.75 else (head, tail)
    aspect = rng.uniform(3.6, 4.6) if len(lines) == 1 else rng.uniform(1.3, 1.9)
    return Layout("MY", lines, aspect, WHITE, BLACK, WIDE)


def _us(rng: Rng) -> Layout:
    text = fill(rng, pick(rng, "9AAA999", "AAA-9999", "AAA 999", "999-AAA", "AAA.999", "AA 99999", "A99-99A"))
    ink = pick(rng, BLACK, INK_BLUE, INK_BLUE, INK_RED, INK_GREEN)
    ground = pick(rng, WHITE, WHITE, YELLOW, (230, 215, 190), (200, 225, 235))
    return Layout("US", (text,), 2.0, ink, ground, ("road-b", "road-c", "stroke", "road-d"), ("header", "footer"))


def _cn(rng: Rng) -> Layout:
    letters = LETTERS.replace("I", "").replace("O", "")
    text = "~" + fill(rng, "A", letters) + "." + of(rng, DIGITS * 2 + letters, pick(rng, 5, 5, 5, 6))
    ink, ground = pick(rng, (WHITE, BLUE), (WHITE, BLUE), (WHITE, BLUE), (BLACK, YELLOW), (BLACK, (160, 205, 150)))
    return Layout("CN", (text,), rng.uniform(3.1, 3.5), ink, ground, ("stroke", "stroke", "roboto", "din"))


def _ar(rng: Rng) -> Layout:
    if rng.random() < 0.6:
        return Layout("AR", (fill(rng, "AA 999 AA"),), 3.08, BLACK, WHITE, WIDE, ("top-band",))
    return Layout("AR", (fill(rng, "AAA 999"),), 2.3, WHITE, BLACK, WIDE)


def _any(rng: Rng) -> Layout:
    """No country's: the reader must not learn grammar instead of glyphs."""
    alphabet = pick(rng, LETTERS + DIGITS, LETTERS + DIGITS, DIGITS + DIGITS + LETTERS, DIGITS)
    length = int(rng.choice([3, 4, 5, 6, 7, 8, 9, 10], p=[0.03, 0.06, 0.12, 0.2, 0.22, 0.17, 0.12, 0.08]))
    text = of(rng, alphabet, length)
    cut = int(rng.integers(1, length))
    two = length > 3 and rng.random() < 0.45
    if two:
        cut = int(np.clip(cut, 2, length - 2))
    separator = pick(rng, "", "-", ".", " ")
    lines = (text[:cut], text[cut:]) if two else (text[:cut] + separator + text[cut:],)
    aspect = rng.uniform(1.1, 2.2) if two else rng.uniform(0.42, 0.7) * (length + 0.8) + 0.3
    ink, ground = pick(
        rng, (BLACK, WHITE), (BLACK, WHITE), (WHITE, BLACK), (WHITE, BLUE), (WHITE, RED), (BLACK, YELLOW), (WHITE, GREEN), (INK_RED, WHITE)
    )
    return Layout(
        "",
        lines,
        float(np.clip(aspect, 1.1, 5.0)),
        ink,
        ground,
        (*WIDE, "stroke", "road-b"),
        pick(rng, (), (), (), ("band",), ("header",), ("footer",), ("seals",)),
    )


MAKERS: dict[str, Callable[[Rng], Layout]] = {
    "VN": _vn, "TW": _tw, "BR": _br, "EU": _eu, "GB": _gb, "IN": _in, "PK": _pk, "MY": _my, "US": _us, "CN": _cn, "AR": _ar, "any": _any,
}  # fmt: skip
WEIGHTS = {
    "VN": 0.36,
    "TW": 0.14,
    "BR": 0.09,
    "EU": 0.1,
    "GB": 0.04,
    "IN": 0.03,
    "PK": 0.03,
    "MY": 0.02,
    "US": 0.03,
    "CN": 0.02,
    "AR": 0.02,
    "any": 0.14,
}
