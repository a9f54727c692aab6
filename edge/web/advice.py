"""What an installer should change, out of the plate meter's reading: plain rules, each with what it was measured on or why it is so.

The table behind them: `python -m tests.edge.web.limits`, results/meter-limits-*.csv. docs/live-view.md tells them in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

from edge.web.meter import Reading

SMALL_LINE_PX: Final = 18.0
"""Of a line of text: below, the gate asks LPSR for help (`gate.enhance_below_px`)."""
AIM_LINE_PX: Final = 22.0
"""What a zoom should bring: some room above that."""
SLANTED_DEG: Final = 15.0
LEANING_DEG: Final = 30.0
BLURRED: Final = 0.25
"""Of a line's height: from 0.2 to 0.3, reads of one picture fall from four in five to one in four."""
SOFT: Final = 0.17
"""The same across the worst direction: a lens out of focus costs as many reads with a shorter smear, for it is one in all directions."""
SHARP: Final = 0.12
"""Of a line's height: what the shutter should leave, well below that."""
MOTION: Final = 1.5
"""A smear so many times as long as across is motion."""
SLOWEST_PX_S: Final = 5.0
SHUTTERS: Final = (30, 60, 125, 250, 500, 1000, 2000, 4000, 8000)
"""What cameras offer, as parts of a second."""
DARK: Final = 70.0
FAINT: Final = 30.0
CLIPPED: Final = 253.0
"""Levels of 0..255. Clipped ones cost reads. Dark and faint are judgement: rendered plates are read with far less, but have no glare."""
FEW: Final = 3
"""Fewer vehicles, and the sentence says how few."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence for the installer: what plates are like, and what to do."""

    sentence: str
    good: bool  # nothing to change


def advise(reading: Reading | None) -> Advice:
    if reading is None:
        return Advice("No plates in the last minutes: let a few vehicles pass.", False)
    faults, steps = [], []
    for rule in (_size, _slant, _blur, _light):
        for fault, step in rule(reading):
            faults += [fault] if fault else []
            steps += [step] if step else []
    size = f"{reading.height_px:.0f} px high" + (" in two lines" if reading.lines == 2 else "")
    tail = ": " + ", ".join(steps) if steps else " and clear: leave the camera as it is"
    few = f" (from {reading.vehicles} vehicle{'s' * (reading.vehicles > 1)} only)" if reading.vehicles < FEW else ""
    return Advice(f"Plates here are {', '.join([size, *faults])}{tail}{few}.", not steps)


Finding = tuple[str, str]
"""What plates are, "" where the sentence says it already; what to do about it."""


def zoom(reading: Reading) -> float:
    """How many times larger plates should be, to a tenth, rounded up; 1 where they are large enough."""
    return 1.0 if reading.line_px >= SMALL_LINE_PX else ceil(10 * AIM_LINE_PX / reading.line_px - 1e-6) / 10


def is_blurred(reading: Reading) -> bool:
    return is_motion(reading) or max(reading.blur_px / BLURRED, reading.across_px / SOFT) >= reading.line_px


def is_motion(reading: Reading) -> bool:
    return reading.blur_px >= BLURRED * reading.line_px and reading.blur_px >= MOTION * reading.across_px


def shutter(reading: Reading) -> int | None:
    """The longest shutter, as 1/n s, that leaves a smear of SHARP; None where plates stand still, and their speed tells nothing.

    A zoom does not change it: it makes plates larger and faster alike.
    """
    if reading.speed_px_s < SLOWEST_PX_S:
        return None
    longest_s = SHARP * reading.line_px / reading.speed_px_s
    return next((parts for parts in SHUTTERS if 1 / parts <= longest_s), SHUTTERS[-1])


def _size(reading: Reading) -> Iterator[Finding]:
    if (wanted := zoom(reading)) > 1:
        yield "", f"zoom to {wanted:.1f}x"


def _slant(reading: Reading) -> Iterator[Finding]:
    if reading.leans >= SLANTED_DEG:
        alike = abs(reading.slant_deg) >= 0.7 * reading.leans
        hand = "clockwise" if reading.slant_deg > 0 else "counterclockwise"
        step = f"turn the camera {abs(reading.slant_deg):.0f}° {hand}" if alike else "mount it more squarely to the lanes"
        yield f"{reading.leans:.0f}° slanted", step
    elif reading.lean_deg >= LEANING_DEG:
        yield f"{reading.lean_deg:.0f}° slanted", "mount it nearer to the lane's axis, or lower"


def _blur(reading: Reading) -> Iterator[Finding]:
    if not is_blurred(reading):
        return
    if not is_motion(reading):
        yield "out of focus", "focus the lens"
    elif (parts := shutter(reading)) is not None:
        yield "blurred by motion", f"shutter 1/{parts} s or shorter"
    else:
        times = reading.blur_px / (SHARP * reading.line_px)
        yield "blurred by motion", f"shutter {times:.0f} times shorter, and fix the camera firmly"


def _light(reading: Reading) -> Iterator[Finding]:
    if reading.bright >= CLIPPED:
        yield "too bright", "less exposure"
    elif reading.bright < DARK:
        yield "dark", "more light or gain"
    elif reading.contrast < FAINT:
        yield "faint", "clean the lens, keep the sun out of it"
