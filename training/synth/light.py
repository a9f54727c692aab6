"""The light of a scene: sun, sky, lamps, and the camera's own flash."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpr.types import F32
from training.synth.texture import colour

Rng = np.random.Generator
VIEW = np.array([0.0, 0.975, -0.222], np.float32)
"""Where a camera on a roadside looks, for reflections."""


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """Linear BGR light; 1.0 is a white wall in full light."""

    hour: str  # day | dusk | night
    to_sun: F32  # (3,) unit vector
    sun: F32  # (3,)
    zenith: F32  # (3,) sky overhead, also what lights from above
    horizon: F32  # (3,) sky low down
    ground: F32  # (3,) what the ground throws back
    lamps: float  # 0..1: how much vehicles, houses and street lamps shine
    flash: float  # 0..1: the camera's own infrared or white light, thrown back by plates
    wet: float  # 0..1: rain on the road


def random_light(rng: Rng) -> Light:
    """Mostly day, sunny or covered; dusk; night with lamps, at times with the camera's own flash; rain at any hour."""
    hour = str(rng.choice(["day", "dusk", "night"], p=[0.62, 0.2, 0.18]))
    wet = float(rng.uniform(0.3, 1)) if rng.random() < 0.18 else 0.0
    if hour == "day":
        return day(rng, sunny=0.0 if wet else float(rng.random() < 0.6) * rng.uniform(0.4, 1), wet=wet)
    if hour == "dusk":
        return dusk(rng, wet)
    return night(rng, wet, flash=float(rng.uniform(0.3, 1)) if rng.random() < 0.45 else 0.0)


def day(rng: Rng, sunny: float, wet: float = 0.0) -> Light:
    sky = rng.uniform(0.42, 0.62)
    zenith = (colour(235, 190, 150) * sunny + colour(225, 218, 212) * (1 - sunny)) * np.float32(sky)
    horizon = colour(245, 232, 220) * np.float32(0.85)
    warm = np.float32([0.86, 0.95, 1.0]) * np.float32(1.7 * sunny)
    return Light("day", _to_sun(rng, 25, 65), warm, zenith, horizon, colour(120, 125, 128) * np.float32(0.55), 0.0, 0.0, wet)


def dusk(rng: Rng, wet: float = 0.0) -> Light:
    level = np.float32(rng.uniform(0.16, 0.32))
    zenith = colour(214, 190, 172) * level
    horizon = colour(176, 172, 186) * np.float32(1.6) * level
    return Light(
        "dusk",
        _to_sun(rng, 3, 10),
        colour(120, 170, 255) * level * np.float32(0.25),
        zenith,
        horizon,
        zenith * np.float32(0.35),
        0.8,
        0.0,
        wet,
    )


def night(rng: Rng, wet: float = 0.0, flash: float = 0.0) -> Light:
    level = np.float32(rng.uniform(0.02, 0.07))
    lamp_light = colour(150, 200, 255) if rng.random() < 0.6 else colour(235, 235, 235)
    zenith = lamp_light * level * np.float32(1.5)
    return Light(
        "night", _to_sun(rng, 60, 88), lamp_light * level, zenith, colour(90, 70, 60) * level, zenith * np.float32(0.3), 1.0, flash, wet
    )


def _to_sun(rng: Rng, low_deg: float, high_deg: float) -> F32:
    height, azimuth = np.deg2rad(rng.uniform(low_deg, high_deg)), rng.uniform(0, 2 * np.pi)
    return np.float32([np.cos(height) * np.cos(azimuth), np.cos(height) * np.sin(azimuth), np.sin(height)])


def shade(base: F32, normals: F32, gloss: F32, light: Light, glow: F32 | None = None) -> F32:
    """Linear colour of a surface (h, w, 3) under a light, from its normals (h, w, 3) in the world, or (3,) where it is flat,
    and its gloss (h, w) 0..1.

    Half of the ambient light comes from the sky, half from the ground; gloss adds what a viewer low behind it sees mirrored.
    """
    up = normals[..., 2:3] * np.float32(0.5) + np.float32(0.5)
    facing = np.maximum(normals @ light.to_sun, 0)[..., None]
    lit = base * (up * (light.zenith + light.horizon) * np.float32(0.55) + (1 - up) * light.ground + facing * light.sun)
    mirrored = _environment(normals, light)
    edge = np.float32(0.06) + np.float32(0.5) * (1 - np.abs(normals[..., 1:2])) ** 3
    out = lit + mirrored * (gloss[..., None] * np.clip(edge * 2.2, 0, 0.8))
    if light.sun.max() > 0.1:  # the sun's own image in the varnish
        between = light.to_sun - VIEW
        shine = np.maximum(normals @ (between / np.linalg.norm(between)), 0) ** 60
        out = out + light.sun * (1.2 * shine * gloss)[..., None]
    return out if glow is None else out + glow * np.float32(light.lamps)


def _environment(normals: F32, light: Light) -> F32:
    """What a mirror shows to a camera behind and a little above: road below, a dark line of houses, sky above."""
    back = VIEW - 2 * (normals @ VIEW)[..., None] * normals
    height = np.clip(back[..., 2:3] + 0.12 * back[..., 0:1], -1, 1)
    skyward = np.clip((height - 0.16) * 7, 0, 1)
    sky = light.horizon + (light.zenith - light.horizon) * np.clip(height, 0, 1)
    street = light.ground * np.where(height > 0, np.float32(0.35), np.float32(1.0) + height * np.float32(0.3))
    return (street + (sky - street) * skyward).astype(np.float32)
