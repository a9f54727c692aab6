"""Vehicles on the ground: their shadows, their lamps, and how much of a plate is left to see behind others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from alpr.types import F32
from training.synth.bloom import lamp_glow
from training.synth.camera import Camera
from training.synth.light import Light
from training.synth.surface import Layer, draw
from training.synth.vehicle import Pose, Vehicle


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A vehicle on the road, with its plate's text."""

    vehicle: Vehicle
    pose: Pose
    text: str

    def distance(self, camera: Camera) -> float:
        """From the camera to the end that it sees, along the ground, metres."""
        return float(np.hypot(self.pose.x - camera.at[0], self.pose.y - camera.at[1]))


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A drawn plate: where it is, and what of it nothing drawn later has covered."""

    quad: F32  # (4, 2)
    x: int
    y: int
    mask: F32

    @staticmethod
    def of(quad: F32, size: tuple[int, int]) -> Sight:
        """A plate of which all that lies in a picture of (w, h) can be seen."""
        low = np.clip(np.floor(quad.min(axis=0)), 0, size).astype(int)
        high = np.clip(np.ceil(quad.max(axis=0)) + 1, 0, size).astype(int)
        mask = np.zeros(tuple(np.maximum(high - low, 1)[::-1]), np.float32)
        if (high > low).all():
            cv2.fillConvexPoly(mask, np.round((quad - low - 0.5) * 16).astype(np.int32), 1.0, cv2.LINE_8, 4)
        return Sight(quad, int(low[0]), int(low[1]), mask)

    @property
    def share(self) -> float:
        """How much of the plate can be seen, 0..1."""
        whole = np.zeros((int(np.ptp(self.quad[:, 1])) + 3, int(np.ptp(self.quad[:, 0])) + 3), np.uint8)
        cv2.fillConvexPoly(whole, np.round((self.quad - np.floor(self.quad.min(axis=0)) - 0.5) * 16).astype(np.int32), 1, cv2.LINE_8, 4)
        return min(1.0, float(self.mask.sum()) / max(1.0, float(whole.sum())))

    def cover(self, layer: Layer) -> None:
        """Something was drawn in front."""
        x1, y1 = max(self.x, layer.x), max(self.y, layer.y)
        x2 = min(self.x + self.mask.shape[1], layer.x + layer.alpha.shape[1])
        y2 = min(self.y + self.mask.shape[0], layer.y + layer.alpha.shape[0])
        if x2 > x1 and y2 > y1:
            self.mask[y1 - self.y : y2 - self.y, x1 - self.x : x2 - self.x] *= (
                1 - layer.alpha[y1 - layer.y : y2 - layer.y, x1 - layer.x : x2 - layer.x]
            )


def layer_of(camera: Camera, vehicle: Vehicle, pose: Pose) -> Layer | None:
    """A vehicle as the camera sees it."""
    at = np.array([pose.x, pose.y, 0], np.float32)
    return draw(camera, [surface.moved(pose.matrix, at) for surface in vehicle.surfaces])


def plate_quad(camera: Camera, vehicle: Vehicle, pose: Pose) -> F32 | None:
    """The plate's corners in the picture; None without a plate, or where it faces away."""
    if vehicle.plate is None:
        return None
    quad, depth = camera.project(pose.placed(vehicle.plate))
    return quad if depth.min() > 1 and cv2.contourArea(quad, True) > 4 else None


def average(layers: Sequence[Layer]) -> Layer:
    """What a shutter sees that is open for all of them: moving things smear."""
    if len(layers) == 1:
        return layers[0]
    x1, y1 = min(layer.x for layer in layers), min(layer.y for layer in layers)
    x2, y2 = max(layer.x + layer.alpha.shape[1] for layer in layers), max(layer.y + layer.alpha.shape[0] for layer in layers)
    bgr, alpha = np.zeros((y2 - y1, x2 - x1, 3), np.float32), np.zeros((y2 - y1, x2 - x1), np.float32)
    for layer in layers:
        part = np.s_[layer.y - y1 : layer.y - y1 + layer.alpha.shape[0], layer.x - x1 : layer.x - x1 + layer.alpha.shape[1]]
        bgr[part] += layer.bgr / np.float32(len(layers))
        alpha[part] += layer.alpha / np.float32(len(layers))
    return Layer(x1, y1, bgr, alpha)


def cast_shadow(picture: F32, camera: Camera, placed: Placed, light: Light) -> None:
    """Darken the ground under a vehicle, and where the sun does not reach, in place."""
    half, length, height = placed.vehicle.width / 2, placed.vehicle.length, placed.vehicle.height
    foot = placed.pose.placed(np.float32([[-half, 0.1, 0], [half, 0.1, 0], [half, length, 0], [-half, length, 0]]))
    tint(picture, camera, foot, 0.25, 0.12)
    if light.sun.max() > 0.05:
        throw = -light.to_sun[:2] / max(float(light.to_sun[2]), 0.25) * 0.85 * height
        far = foot[:, :2] + throw
        hull = cv2.convexHull(np.concatenate([foot[:, :2], far]).astype(np.float32))[:, 0]
        ambient = float((light.zenith + light.horizon).mean()) * 0.55
        keep = ambient / (ambient + float(light.sun.mean()) * float(light.to_sun[2]))
        tint(picture, camera, np.pad(hull, ((0, 0), (0, 1))), keep, 0.05)


def light_road(picture: F32, camera: Camera, placed: Placed, light: Light) -> None:
    """Brighten the road in front of lit headlamps, in place."""
    if light.lamps > 0.3 and placed.vehicle.end == "front":
        for reach, gain in ((9.0, 1.5), (4.0, 1.5)):
            pool = np.float32([[-0.7, -0.3, 0], [0.7, -0.3, 0], [1.8, -reach, 0], [-1.8, -reach, 0]])
            tint(picture, camera, placed.pose.placed(pool), 1 + gain * light.lamps, 0.35)


def tint(picture: F32, camera: Camera, polygon: F32, factor: float, soft_m: float) -> None:
    """Multiply the ground under a polygon (n, 3) by a factor, with a soft edge, in place."""
    pixels, depth = camera.project(polygon)
    if depth.min() < 0.5:
        return
    sigma = max(0.7, soft_m * camera.focal_px / float(depth.mean()))
    low = np.clip(np.floor(pixels.min(axis=0) - 3 * sigma), 0, camera.size).astype(int)
    high = np.clip(np.ceil(pixels.max(axis=0) + 3 * sigma), 0, camera.size).astype(int)
    if (high - low < 2).any():
        return
    mask = np.zeros((high - low)[::-1], np.float32)
    cv2.fillPoly(mask, [np.round((pixels - low) * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    mask = cv2.GaussianBlur(mask, (0, 0), sigma)
    picture[low[1] : high[1], low[0] : high[0]] *= 1 - (1 - factor) * mask[..., None]


def shine(picture: F32, camera: Camera, placed: Placed, light: Light, strength: float = 1.0) -> None:
    """The bloom of lit lamps over everything, in place."""
    if light.lamps < 0.3:
        return
    pixels, depth = camera.project(placed.pose.placed(placed.vehicle.lamps))
    front = placed.vehicle.end == "front"
    tone = np.float32([0.9, 1.05, 1.2] if front else [0.01, 0.01, 0.25])
    for pixel, metres in zip(pixels, depth, strict=True):
        if metres > 1:
            radius = camera.focal_px / float(metres) * (0.12 if front else 0.1)
            lamp_glow(picture, pixel, radius, tone * np.float32(light.lamps * strength))
