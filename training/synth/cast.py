"""Who drives through the sample clip: nineteen vehicles by day and at dusk past one camera, as a list to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from alpr.types import U8
from training.degradation import effects
from training.synth import body, layouts
from training.synth.body import Shape
from training.synth.cars import build_body
from training.synth.film import Actor
from training.synth.glyphs import Face
from training.synth.layouts import BLACK, BLUE, DIN, WHITE, YELLOW, Layout
from training.synth.light import Light
from training.synth.motorcycles import build_motorcycle
from training.synth.plates import RenderedPlate, render_plate
from training.synth.traffic import Ride, drive, parked
from training.synth.trucks import build_truck
from training.synth.vehicle import Vehicle

Rng = np.random.Generator
CUT_S, END_S = 18.4, 34.0
"""Day until the cut, dusk from there to the end."""
LEAVING_X, APPROACHING_X, KERB_X = -1.9, -4.6, -0.85
NEAR_LEAVING_Y, NEAR_APPROACHING_Y = 7.0, 10.6
"""Where a plate enters or leaves the picture."""
STRAIGHT = np.eye(3, dtype=np.float32)
PLATE_PX = 96
DETAIL = 240.0


@dataclass(frozen=True, slots=True)
class Part:
    """One vehicle's part."""

    kind: str  # car | truck | motorcycle, and the shape
    end: str
    plate: str  # a name of PLATES, or "" for none
    ride: Ride
    shape: Shape | None = None
    halves: tuple[int, ...] = (0,)  # 0 is day, 1 is dusk


@dataclass(frozen=True, slots=True, eq=False)
class Role:
    """A vehicle of the film with the truth about its plate."""

    actor: Actor
    plate: RenderedPlate
    kind: str
    direction: str


def _vn(rng: Rng, ink: tuple[int, int, int] = BLACK, ground: tuple[int, int, int] = WHITE, two: bool = False) -> Layout:
    head = f"{layouts.pick(rng, 29, 30, 43, 51, 60, 61, 65, 92)}{layouts.of(rng, 'ABCDEFGHKL', 1)}"
    number = layouts.fill(rng, "999.99")
    return Layout("VN", (head, number) if two else (f"{head}-{number}",), 2.0 if two else 4.6, ink, ground, DIN)


def _vn_motorcycle(rng: Rng) -> Layout:
    head = f"{layouts.pick(rng, 29, 43, 59, 65)}-{layouts.of(rng, 'BCDEFGHKLMNPSTVXYZ', 1)}{layouts.of(rng, '123456789', 1)}"
    return Layout("VN", (head, layouts.fill(rng, "999.99")), 1.36, BLACK, WHITE, DIN)


PLATES = {
    "vn": _vn,
    "vn-two": lambda rng: _vn(rng, two=True),
    "vn-yellow": lambda rng: _vn(rng, ground=YELLOW),
    "vn-blue": lambda rng: _vn(rng, WHITE, BLUE),
    "vn-motorcycle": _vn_motorcycle,
    "tw": lambda rng: Layout("TW", (layouts.fill(rng, "AAA-9999", "ABCDEFGHJKLMNPQRSTUVWXYZ"),), 2.375, BLACK, WHITE, layouts.ROAD),
    "de": lambda rng: Layout("DE", (layouts.fill(rng, "A AA 9999", "BDEFHKLMNSW"),), 4.6, BLACK, WHITE, ("din", "road-d"), ("band",)),
}


def script() -> list[Part]:
    """All parts: by day, then at dusk; one vehicle is parked all along."""
    return [*_day(), *(replace(part, halves=(1,)) for part in _dusk())]


def _day() -> list[Part]:
    return [
        Part("car", "rear", "vn", parked(1.15, 13.2, 0.03, END_S), body.HATCH_REAR, halves=(0, 1)),
        Part("car", "rear", "vn-two", leaving(0.4, 9.5), body.SEDAN_REAR),
        Part("car", "front", "vn", approaching(3.2, 10.0), body.SEDAN_FRONT),
        Part("motorcycle", "rear", "vn-motorcycle", leaving(4.0, 7.5, KERB_X)),
        Part("car", "front", "vn", turning_off(46.0, 4.2, 9.0), body.SUV_FRONT),
        Part("car", "rear", "tw", leaving(6.6, 9.0), body.VAN_REAR),
        Part("car", "front", "de", approaching(8.1, 10.5), body.SUV_FRONT),
        Part("car", "rear", "vn-yellow", leaving(8.9, 9.0), body.SEDAN_REAR),
        Part("motorcycle", "front", "", approaching(13.2, 9.0, -3.6)),
        Part("car", "rear", "vn-blue", pausing(11.8), body.SUV_REAR),
        Part("car", "front", "vn", turning_off(16.2, 10.8, 8.0), body.SEDAN_FRONT),
        Part("car", "front", "vn-yellow", approaching(17.6, 10.0), body.VAN_FRONT),
    ]


def _dusk() -> list[Part]:
    return [
        Part("car", "front", "vn", approaching(20.8, 9.0), body.SEDAN_FRONT),
        Part("truck", "rear", "vn", leaving(19.6, 7.5)),
        Part("car", "rear", "vn", emerging(48.0, 20.0, 8.0), body.HATCH_REAR),
        Part("motorcycle", "rear", "vn-motorcycle", leaving(22.9, 7.0, KERB_X)),
        Part("car", "front", "tw", approaching(24.7, 9.5), body.SEDAN_FRONT),
        Part("car", "rear", "de", leaving(25.6, 8.5), body.HATCH_REAR),
        Part("car", "front", "vn", turning_off(15.0, 28.2, 7.5), body.SUV_FRONT),
        Part("car", "rear", "vn-two", leaving(29.0, 8.5), body.SUV_REAR),
        Part("motorcycle", "rear", "vn-motorcycle", leaving(30.6, 6.5, KERB_X)),
        Part("car", "front", "vn-two", approaching(32.6, 9.0), body.SUV_FRONT),
    ]


def leaving(near_s: float, speed: float, x: float = LEAVING_X) -> Ride:
    """Comes from below the picture, its plate in sight from `near_s` on, and drives away."""
    lead = 6.0 / speed
    return drive(
        [(x, NEAR_LEAVING_Y - 6), (x, 150)], [(0, speed), (lead, speed), (lead + 6, speed * 1.25), (60, speed * 1.25)], near_s - lead
    )


def approaching(near_s: float, speed: float, x: float = APPROACHING_X) -> Ride:
    """Comes from afar and drives out of the picture below, its plate gone at about `near_s`."""
    away = 110.0
    return drive([(x, NEAR_APPROACHING_Y + away), (x, NEAR_APPROACHING_Y - 14)], [(0, speed), (60, speed)], near_s - away / speed)


def turning_off(y: float, near_s: float, speed: float) -> Ride:
    """Comes from afar and turns off to the left at a distance, nearest at about `near_s`."""
    start = y + 75
    slow = (start - y - 12) / speed
    speeds = [(0, speed), (slow, speed), (slow + 3, 3.5), (slow + 6, 4.5), (60, 6.0)]
    return drive([(APPROACHING_X, start), (APPROACHING_X, y - 1.5), (APPROACHING_X - 25, y - 3.5)], speeds, near_s - slow - 2.5, radius=5.5)


def emerging(y: float, near_s: float, speed: float) -> Ride:
    """Comes out of a street on the right and drives away."""
    return drive([(14, y - 1), (LEAVING_X, y), (LEAVING_X, 150)], [(0, 3.5), (3, 4.0), (7, speed), (60, speed)], near_s - 3, radius=7)


def pausing(near_s: float) -> Ride:
    """Drives in, stands for two and a half seconds, and goes on."""
    lead = 6.0 / 7.0
    speeds = [(0, 7.0), (lead, 7.0), (lead + 1.3, 0.0), (lead + 3.8, 0.0), (lead + 6.8, 7.0), (60, 7.0)]
    return drive([(LEAVING_X, NEAR_LEAVING_Y - 6), (LEAVING_X, 150)], speeds, near_s - lead)


def played(seed: int, number: int, part: Part, faces: Mapping[str, Face], light: Light) -> Role:
    """Build a part's vehicle under a light; the same seed and number give the same vehicle under another one."""
    rng = np.random.default_rng((seed, number))
    layout = PLATES[part.plate or "vn"](rng)
    plate = render_plate(rng, _official(faces, layout), layout, PLATE_PX, wear=0.15)  # from 0.3 on, worn paint left text nobody can read
    tint = 0.35 if layout.ground == WHITE and not layout.furniture else 1.0  # a country's white plates are one white
    picture = effects.colour_cast(plate.bgr, (1.0, 1.0, 1.0), tint) if part.plate else None
    standing = float(part.ride.speed.max()) == 0
    if standing:  # its lamps are off
        light = replace(light, lamps=0.0)
    quiet = _built(np.random.default_rng((seed, number, 1)), part, picture, light, False)
    slows = not standing and any(part.ride.braking(float(time)) for time in part.ride.time_s[::10])
    braking = _built(np.random.default_rng((seed, number, 1)), part, picture, light, True) if slows else quiet
    direction = "still" if standing else "leaving" if part.end == "rear" else "approaching"
    if standing:
        quiet = braking = replace(quiet, lamps=np.zeros((0, 3), np.float32))
    actor = Actor(f"v{number:02d}", quiet, braking, part.ride, plate.text)
    return Role(actor, plate, part.kind, direction)


def _official(faces: Mapping[str, Face], layout: Layout) -> Mapping[str, Face]:
    """The one face of a country's plates; where it is not installed, a stroke-drawn one."""
    face = faces.get("taiwan-0" if layout.country == "TW" else "din", faces["stroke-0"])
    return dict.fromkeys((*layout.faces, "stroke-0"), face)


def _built(rng: Rng, part: Part, plate: U8 | None, light: Light, braking: bool) -> Vehicle:
    if part.kind == "motorcycle":
        return build_motorcycle(rng, part.end, plate, light, STRAIGHT, DETAIL, braking)
    if part.kind == "truck":
        return build_truck(rng, part.end, plate, light, STRAIGHT, DETAIL, braking)
    if part.shape is None:
        raise ValueError(f"a {part.kind} needs a shape; give Part(shape=…) one of training.synth.body")
    return build_body(rng, part.kind, part.shape, part.end, plate, light, STRAIGHT, DETAIL, braking)
