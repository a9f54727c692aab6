"""Cars, vans and buses: a swept body, its skin, wheels, mirrors and plate put together."""

from __future__ import annotations

import cv2
import numpy as np

from alpr.types import F32, U8
from training.synth import body, skin
from training.synth.body import Shape
from training.synth.brush import Brush, Colour
from training.synth.light import Light, shade
from training.synth.surface import Surface, Texture
from training.synth.texture import linear
from training.synth.vehicle import Vehicle, plate_corners, plate_metres, plate_surface, upright

Rng = np.random.Generator
PAINTS: tuple[Colour, ...] = (
    (225, 226, 226), (225, 226, 226), (178, 180, 182), (120, 122, 124), (70, 70, 72), (30, 30, 31), (30, 30, 31), (40, 35, 120),
    (100, 52, 28), (70, 60, 45), (60, 75, 105), (150, 175, 190), (35, 60, 30), (30, 120, 170), (135, 110, 80),
)  # fmt: skip
KINDS: dict[tuple[str, str], tuple[Shape, ...]] = {
    ("car", "rear"): (body.SEDAN_REAR, body.SEDAN_REAR, body.HATCH_REAR, body.SUV_REAR),
    ("car", "front"): (body.SEDAN_FRONT, body.SEDAN_FRONT, body.SUV_FRONT),
    ("van", "rear"): (body.VAN_REAR,),
    ("van", "front"): (body.VAN_FRONT,),
    ("bus", "rear"): (body.BUS_REAR,),
    ("bus", "front"): (body.BUS_FRONT,),
}


def build_car(
    rng: Rng, kind: str, end: str, plate: U8 | None, light: Light, turn: F32, px_per_m: float = 150.0, braking: bool = False
) -> Vehicle:
    """A car, van or bus of a random shape; see `build_body`."""
    options = KINDS[kind, end]
    return build_body(rng, kind, options[int(rng.integers(len(options)))], end, plate, light, turn, px_per_m, braking)


def build_body(
    rng: Rng, kind: str, shape: Shape, end: str, plate: U8 | None, light: Light, turn: F32, px_per_m: float, braking: bool
) -> Vehicle:
    """A vehicle of one swept body. `plate`: straight-on picture, or None for a bare mount; `turn` (3, 3): its heading, for the light."""
    sweep, paint = body.swept(shape), random_paint(rng)
    size = plate_metres(plate.shape[1] / plate.shape[0]) if plate is not None else (0.5, 0.12)
    plate_z = _plate_height(rng, shape, end, size[1])
    brush = Brush.blank(shape.width, float(sweep.along[-1]), px_per_m, paint, 175)
    panel = skin.Panel(brush, shape, sweep, paint, plate_z, size, braking)
    (skin.paint_rear if end == "rear" else skin.paint_front)(rng, panel)
    far_window(panel)
    brush.dirt(rng, rng.uniform(0, 0.3))
    over = _over(shape, sweep, brush, light, turn)
    left, right = (_side(rng, shape, sweep, paint, light, turn, px_per_m, is_right) for is_right in (False, True))
    corners = plate_corners(rng, sweep.y_at_z(plate_z) - shape.crown_m - 0.02, plate_z, size)
    plates = () if plate is None else (plate_surface(corners, plate, light, turn, end),)
    lamp_z = shape.profile[3][1] + 0.12 if end == "rear" else shape.profile[4][1] - 0.12 if shape.height < 2 else 0.75
    lamps = np.float32([[side * 0.4 * shape.width, sweep.y_at_z(lamp_z), lamp_z] for side in (-1, 1)])
    surfaces = (*_under(shape, light), left, right, over, *_mirrors(shape, paint, light), *plates)
    return Vehicle(kind, end, surfaces, None if plate is None else corners, shape.width, shape.length, shape.height, lamps)


def far_window(panel: skin.Panel) -> None:
    """The window of the end that looks away; it shows above the roof of low cars."""
    if panel.shape.far_glass:
        low, high = (float(panel.sweep.corners[i]) for i in panel.shape.far_glass)
        panel.brush.rect(-0.85 * panel.half, low + 0.03, 0.85 * panel.half, high - 0.03, (38, 34, 30), 235)


def random_paint(rng: Rng) -> Colour:
    paint = PAINTS[int(rng.integers(len(PAINTS)))]
    return tuple(np.clip(np.float64(paint) * rng.uniform(0.85, 1.1) + rng.normal(0, 5, 3), 8, 245))  # type: ignore[return-value]


def _plate_height(rng: Rng, shape: Shape, end: str, height: float) -> float:
    if end == "front":
        return float((0.45 if shape.height < 1.6 else 0.55) + rng.uniform(-0.04, 0.04))
    bumper, belt = shape.profile[3][1], shape.profile[4][1]
    if shape.height > 2:
        return 0.8
    if rng.random() < 0.3:
        return shape.profile[2][1] - 0.03
    return float(np.clip((bumper + belt) / 2, bumper + height / 2 + 0.01, None))


def _over(shape: Shape, sweep: body.Swept, brush: Brush, light: Light, turn: F32) -> Surface:
    rows, columns = brush.gloss.shape
    total = float(sweep.along[-1])
    points, _ = body.over(shape, sweep, np.linspace(total, 0, 21), 11)
    _, coarse = body.over(shape, sweep, np.linspace(total, 0, max(2, rows // 3)), max(2, columns // 3))
    normals = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_LINEAR)
    base, gloss, glow = brush.materials()
    return Surface(points, Texture(shade(base, normals @ turn.T, gloss, light, glow)))


def _side(rng: Rng, shape: Shape, sweep: body.Swept, paint: Colour, light: Light, turn: F32, px_per_m: float, is_right: bool) -> Surface:
    points, normals, (y0, y1, z0, z1) = body.side(shape, sweep, is_right)
    density = px_per_m * 0.6
    brush = Brush.blank(y1 - y0, z1 - z0, density, paint, 175, left=y0)
    skin.paint_side(rng, brush, shape, sweep, paint)
    brush.dirt(rng, rng.uniform(0, 0.3))
    alpha = _outline(brush, shape, sweep)
    base, gloss, glow = brush.materials()
    normals = cv2.resize(normals if is_right else normals[:, ::-1], base.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    texture = shade(base, normals @ turn.T, gloss, light, glow)
    if not is_right:
        texture, alpha = np.ascontiguousarray(texture[:, ::-1]), np.ascontiguousarray(alpha[:, ::-1])
    return Surface(points, Texture(texture, alpha))


def _outline(brush: Brush, shape: Shape, sweep: body.Swept) -> F32:
    """Where a side is body or wheel, and not air."""
    mask = np.zeros(brush.gloss.shape, np.uint8)
    inset = sweep.line.copy()
    centre = np.float32([shape.length / 2, 0.5 * shape.height])
    inset += (centre - inset) / np.linalg.norm(centre - inset, axis=1, keepdims=True) * np.float32(0.8 * shape.round_m + 0.02)
    outline = np.concatenate([inset, [[shape.length - 0.1, 0.24]], [[0.15, 0.24]]])
    cv2.fillPoly(mask, [np.round(brush.pixels(outline) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    for axle in shape.axles:
        ((column, row),) = np.round(brush.pixels([(axle, shape.wheel)])).astype(int)
        cv2.circle(mask, (int(column), int(row)), round(shape.wheel * brush.px_per_m), 255, -1, cv2.LINE_AA)
    return mask.astype(np.float32) / 255


def _under(shape: Shape, light: Light) -> tuple[Surface, ...]:
    """The darkness below, and the tyres seen from the end."""
    half, low = 0.46 * shape.width, shape.profile[0][1] + 0.06
    surfaces = [Surface(upright(-half, half, 0.1, low, 0.5), Texture(np.full((4, 4, 3), 0.004, np.float32)))]
    for axle in shape.axles[::-1]:
        for x in (0.1 - half, half - 0.1):
            surfaces.append(Surface(upright(x - 0.1, x + 0.1, 0.0, 1.6 * shape.wheel, axle - shape.wheel * 0.9), _tyre(light)))
    return tuple(surfaces)


def _tyre(light: Light) -> Texture:
    """A tyre from behind: round shoulders, a tread of grooves, darker towards the arch."""
    alpha = np.zeros((48, 24), np.float32)
    cv2.rectangle(alpha, (0, 0), (23, 40), 1.0, -1)
    cv2.ellipse(alpha, (12, 38), (12, 9), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    rubber = (
        np.full((48, 24, 3), 0.012, np.float32)
        * (light.zenith + light.horizon)
        * np.linspace(0.3, 1.3, 48, dtype=np.float32)[:, None, None]
    )
    rubber[:, ::6] *= 0.75
    return Texture(rubber.astype(np.float32), alpha)


def _mirrors(shape: Shape, paint: Colour, light: Light) -> tuple[Surface, ...]:
    """Wing mirrors, as small shaded discs."""
    y = (shape.profile[shape.far_glass[1]][0] - 0.25) if shape.far_glass else 0.75
    z, half = 0.66 * shape.height, shape.width / 2
    ball = np.zeros((24, 32, 3), np.float32)
    ball[:] = linear(np.uint8([[paint]]))[0] * (light.zenith * 0.6 + light.sun * 0.3)
    ball *= np.linspace(1.3, 0.5, 24, dtype=np.float32)[:, None, None]
    alpha = np.zeros((24, 32), np.float32)
    cv2.ellipse(alpha, (16, 12), (14, 10), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    return tuple(
        Surface(upright(s * (half + 0.06) - 0.11, s * (half + 0.06) + 0.11, z - 0.07, z + 0.07, y), Texture(ball, alpha)) for s in (-1, 1)
    )
