"""The ground under a camera: asphalt with its wear, markings, kerbs, pavements and what grows beside, wet or dry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpr.types import F32
from training.synth.camera import Camera
from training.synth.light import Light
from training.synth.texture import colour

Rng = np.random.Generator
TILE_PX = 512
FAR_M = 400.0


@dataclass(frozen=True, slots=True)
class SideStreet:
    """A street that joins from one side."""

    side: int  # -1 left, 1 right
    near: float  # y
    far: float

    def meets(self, side: int, near: float, far: float) -> bool:
        """Whether something on a side, from one y to another, stands in it."""
        return side == self.side and near < self.far and far > self.near


@dataclass(frozen=True, slots=True)
class Road:
    """A straight road along y."""

    left: float
    right: float
    lines: tuple[float, ...]  # x of dashed lines
    pavement: float  # width on both sides
    shade: float  # of its asphalt, 0..1 display
    verge: str  # grass | earth | paving: what lies beyond the pavement
    side_streets: tuple[SideStreet, ...] = ()


def random_road(rng: Rng, camera_x: float = 0.0) -> Road:
    """One to four lanes under or beside the camera."""
    lane, count = rng.uniform(2.8, 3.6), int(rng.integers(1, 5))
    left = camera_x - lane * count * rng.uniform(0.15, 0.95)
    lines = tuple(left + lane * i for i in range(1, count)) if rng.random() < 0.85 else ()
    verge = str(rng.choice(["grass", "earth", "paving"]))
    near = rng.uniform(10, 40, int(rng.integers(0, 3)))
    streets = tuple(SideStreet(int(rng.choice([-1, 1])), float(y), float(y + rng.uniform(5, 9))) for y in near)
    return Road(left, left + lane * count, lines, rng.uniform(0.5, 4.5), rng.uniform(0.26, 0.5), verge, streets)


def tile(rng: Rng, slope: float = 1.1) -> F32:
    """A seamless square of noise, unit deviation: power falls with frequency to `slope`."""
    y, x = np.fft.fftfreq(TILE_PX)[:, None], np.fft.rfftfreq(TILE_PX)[None, :]
    power = np.maximum(np.hypot(x, y), 1 / TILE_PX) ** -slope
    power[0, 0] = 0
    phase = rng.standard_normal(power.shape, np.float32) + 1j * rng.standard_normal(power.shape, np.float32)
    out = np.fft.irfft2(power * phase, s=(TILE_PX, TILE_PX))
    return (out / out.std()).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Spot:
    """Ground behind pixels: position, and how much ground a pixel covers across and along, metres."""

    x: F32
    y: F32
    across: F32
    along: F32


def draw_ground(rng: Rng, picture: F32, camera: Camera, road: Road, light: Light) -> None:
    """Fill what lies below the horizon, in place."""
    rays = camera.rays()
    top = int(np.clip(camera.horizon_px() - abs(np.tan(camera.roll)) * camera.size[0], 0, camera.size[1]))
    rays = rays[top:]
    below = rays[..., 2] < -camera.at[2] / FAR_M
    depth = np.where(below, camera.at[2] / np.maximum(-rays[..., 2], 1e-4), FAR_M).astype(np.float32)
    spot = _Spot(
        camera.at[0] + depth * rays[..., 0],
        camera.at[1] + depth * rays[..., 1],
        depth / camera.focal_px,
        depth**2 / (camera.focal_px * camera.at[2]),
    )
    tiles = tile(rng, 1.0), tile(rng, 1.6)
    albedo = _surface(rng, spot, road, tiles, light.wet)
    irradiance = (light.zenith + light.horizon) * np.float32(0.55) + light.sun * light.to_sun[2]
    lit = albedo * irradiance
    haze = np.clip(depth / 900, 0, 0.35)[..., None]
    lit += haze * (light.horizon * np.float32(0.8) - lit)
    picture[top:][below] = lit[below]


def _surface(rng: Rng, spot: _Spot, road: Road, tiles: tuple[F32, F32], wet: float) -> F32:
    """Albedo of everything below: verge, pavement, kerb, road."""
    fine, coarse = tiles
    grain = _sample(fine, spot, 90) * 0.5 + _sample(fine, spot, 22) * 0.5
    blotch = _sample(coarse, spot, 14)
    albedo = _verge(road, grain, blotch)
    paved = _band(spot, road.left - road.pavement, road.right + road.pavement)
    _mix(albedo, paved, _pavement(rng, spot, grain, blotch))
    kerb = _band(spot, road.left - 0.16, road.right + 0.16)
    _mix(albedo, kerb, colour(165, 168, 170) * (1 + 0.1 * grain + 0.1 * blotch)[..., None])
    gutter = _band(spot, road.left - 0.02, road.right + 0.02)
    _mix(albedo, gutter, colour(70, 72, 74) * (1 + 0.1 * grain)[..., None])
    for street in road.side_streets:
        beyond = _edge(road.left - spot.x, spot.across) if street.side < 0 else _edge(spot.x - road.right, spot.across)
        mouth = beyond * _edge(spot.y - street.near, spot.along) * _edge(street.far - spot.y, spot.along)
        _mix(albedo, mouth, colour(*(255 * road.shade * np.float32([0.95, 0.95, 0.95]))) * (1 + 0.15 * grain + 0.1 * blotch)[..., None])
    asphalt = _asphalt(rng, spot, road, grain, blotch)
    _mix(albedo, _band(spot, road.left + 0.12, road.right - 0.12), asphalt)
    return albedo * np.float32(1 - 0.45 * wet)


def _asphalt(rng: Rng, spot: _Spot, road: Road, grain: F32, blotch: F32) -> F32:
    """Stones, blotches, wheel tracks, patches, cracks, markings."""
    tone = colour(*(255 * road.shade * np.float32([1.01, 1.0, 0.985])))
    level = 1 + 0.16 * grain + 0.1 * blotch
    lane = (road.right - road.left) / (len(road.lines) + 1)
    across = (spot.x - road.left) / lane * 2 * np.pi
    level += 0.05 * np.cos(2 * across) - 0.05 * np.exp(-(((across % (2 * np.pi)) - np.pi) ** 2) / 0.25) * (1 + 0.5 * blotch)
    for _ in range(int(rng.integers(0, 4))):  # mended patches
        x, y, w, h = rng.uniform(road.left, road.right), rng.uniform(4, 30), rng.uniform(0.5, 2), rng.uniform(0.8, 6)
        inside = (
            _edge(spot.x - x, spot.across)
            * _edge(x + w - spot.x, spot.across)
            * _edge(spot.y - y, spot.along)
            * _edge(y + h - spot.y, spot.along)
        )
        level *= 1 + inside * rng.uniform(-0.35, 0.1)
    crack = np.abs(_wander(rng, spot, blotch)) / np.maximum(spot.across, 0.012)
    level *= 1 - 0.45 * np.clip(1.2 - crack, 0, 1) * np.clip(0.02 / spot.across, 0, 1)
    albedo = tone * np.maximum(level, 0.15)[..., None]
    _markings(rng, albedo, spot, road, grain, blotch)
    return albedo


def _wander(rng: Rng, spot: _Spot, blotch: F32) -> F32:
    """Distance to a crack that wanders along or across the road."""
    x, slope = rng.uniform(-4, 4), rng.normal(0, 0.15)
    return spot.x - x - slope * spot.y - 0.12 * blotch - 0.1 * np.sin(spot.y * rng.uniform(0.5, 2))


def _markings(rng: Rng, albedo: F32, spot: _Spot, road: Road, grain: F32, blotch: F32) -> None:
    worn = np.clip(0.82 + 0.2 * grain + 0.22 * blotch, 0.1, 0.95) * rng.uniform(0.5, 1)
    white = colour(215, 218, 218) if rng.random() < 0.8 else colour(70, 180, 220)
    period, share, start = rng.uniform(4, 9), rng.uniform(0.35, 0.6), rng.uniform(0, 9)
    phase = (spot.y + start) % period
    dashes = _edge(period * share - phase, spot.along) * _edge(phase, spot.along)
    for x in road.lines:
        _mix(albedo, _stripe(spot, x, 0.06) * dashes * worn, white)
    for x in (road.left + 0.3, road.right - 0.3) if rng.random() < 0.6 else ():
        _mix(albedo, _stripe(spot, x, 0.06) * worn, white)
    if rng.random() < 0.25:  # a crossing or a stop line
        y = rng.uniform(6, 25)
        bars = _edge(0.3 - np.abs((spot.x % 1.1) - 0.5), spot.across) if rng.random() < 0.6 else 1.0
        _mix(albedo, _edge(spot.y - y, spot.along) * _edge(y + rng.uniform(0.5, 3) - spot.y, spot.along) * bars * worn, white)


def _verge(road: Road, grain: F32, blotch: F32) -> F32:
    tones = {"grass": ((40, 95, 70), 0.28), "earth": ((95, 125, 145), 0.15), "paving": ((140, 145, 148), 0.08)}
    tone, rough = tones[road.verge]
    return (colour(*tone) * np.maximum(1 + rough * grain + 0.2 * blotch, 0.1)[..., None]).astype(np.float32)


def _pavement(rng: Rng, spot: _Spot, grain: F32, blotch: F32) -> F32:
    size = rng.uniform(0.25, 0.8)
    joints = np.clip(1.5 - (size / 2 - np.maximum(np.abs((spot.x % size) - size / 2), np.abs((spot.y % size) - size / 2))) / 0.012, 0, 1)
    joints *= np.clip(0.08 / spot.along, 0, 1)
    tone = colour(*(rng.uniform(115, 175) * np.float32([0.97, 1, 1.02]) + rng.normal(0, 4, 3)))
    return (tone * np.maximum(1 + 0.1 * grain + 0.12 * blotch - 0.3 * joints, 0.1)[..., None]).astype(np.float32)


def _sample(noise: F32, spot: _Spot, px_per_m: float) -> F32:
    """Noise at ground positions, fading where a pixel covers several grains."""
    row = (spot.y * np.float32(px_per_m)).astype(np.int32) & (TILE_PX - 1)
    column = (spot.x * np.float32(px_per_m)).astype(np.int32) & (TILE_PX - 1)
    return noise[row, column] * np.clip(2.5 / (px_per_m * spot.along), 0.0, 1)


def _edge(distance: F32, footprint: F32) -> F32:
    """Coverage of a pixel by what begins at distance 0."""
    return np.clip(distance / np.maximum(footprint, 0.004) + 0.5, 0, 1)


def _band(spot: _Spot, x1: float, x2: float) -> F32:
    return _edge(spot.x - x1, spot.across) * _edge(x2 - spot.x, spot.across)


def _stripe(spot: _Spot, x: float, half: float) -> F32:
    return _edge(half - np.abs(spot.x - x), spot.across) * np.clip(2 * half / spot.across, 0, 1)


def _mix(albedo: F32, cover: F32, tone: F32) -> None:
    albedo += cover[..., None] * (tone - albedo)
