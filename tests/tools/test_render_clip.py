"""The sample clip: its encoder, and the clip and the truth that are shipped."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from alpr.imaging import rectify
from tools import render_clip

CLIP = Path(__file__).parents[2] / "samples/street.mp4"


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    return json.loads(CLIP.with_suffix(".truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def quads() -> dict[str, dict[str, list[float]]]:
    with gzip.open(CLIP.with_suffix(".quads.json.gz")) as file:
        return json.load(file)


def test_the_encoder_writes_what_opencv_reads(tmp_path: Path) -> None:
    """H.264 with a key frame a second and its index first; colours come back."""
    av = pytest.importorskip("av")
    path = tmp_path / "clip.mp4"
    shades = [np.full((720, 1280, 3), (40, 80 + 3 * i, 160), np.uint8) for i in range(30)]
    render_clip.encode(path, iter(enumerate(shades)), crf=24)
    video = cv2.VideoCapture(str(path))
    frames = [frame for ok, frame in iter(video.read, (False, None)) if ok]
    assert len(frames) == 30 and video.get(cv2.CAP_PROP_FPS) == 25
    assert all(np.abs(frame.mean(axis=(0, 1)) - shade[0, 0]).max() < 6 for frame, shade in zip(frames, shades, strict=True))
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264" and container.streams.video[0].pix_fmt == "yuv420p"
        assert [packet.pts is not None and packet.is_keyframe for packet in container.demux() if packet.size].count(True) == 2
    assert path.read_bytes().index(b"moov") < path.read_bytes().index(b"mdat")


def test_the_clip_is_as_the_truth_says(truth: dict[str, Any]) -> None:
    video = cv2.VideoCapture(str(CLIP))
    assert (video.get(cv2.CAP_PROP_FPS), video.get(cv2.CAP_PROP_FRAME_COUNT)) == (truth["fps"], truth["frames"])
    assert [video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)] == truth["size"]
    assert 30 <= truth["frames"] / truth["fps"] <= 36 and CLIP.stat().st_size <= 8e6


def test_who_drives_through_the_clip(truth: dict[str, Any]) -> None:
    vehicles = truth["vehicles"]
    assert len(vehicles) >= 14 and len({vehicle["text"] for vehicle in vehicles}) == len(vehicles)
    assert all(
        re.fullmatch("[A-Z0-9]{6,9}", vehicle["text"]) and vehicle["first_frame"] <= vehicle["best_frame"] <= vehicle["last_frame"]
        for vehicle in vehicles
    )
    assert all(vehicle["readable"] is (vehicle["line_px"] >= render_clip.READABLE_LINE_PX) for vehicle in vehicles)
    countries, directions = (Counter(vehicle[key] for vehicle in vehicles) for key in ("country", "direction"))
    assert countries["VN"] > len(vehicles) / 2 and len(countries) >= 3
    assert directions["still"] == 1 and directions["leaving"] >= 5 and directions["approaching"] >= 5
    assert sum(not vehicle["readable"] for vehicle in vehicles) == 2
    assert {vehicle["lines"] for vehicle in vehicles} == {1, 2}


def test_the_quads_lie_on_plates(truth: dict[str, Any], quads: dict[str, dict[str, list[float]]]) -> None:
    """Straightened out of the clip by its quad, a readable plate has ink and ground: far more contrast than the road."""
    video = cv2.VideoCapture(str(CLIP))
    wanted: dict[int, list[str]] = {}
    for vehicle in truth["vehicles"]:
        if vehicle["readable"]:
            wanted.setdefault(vehicle["best_frame"], []).append(vehicle["id"])
    for number in range(truth["frames"]):
        ok, frame = video.read()
        assert ok, number
        for name in wanted.get(number, ()):
            plate = rectify(frame, np.float32(quads[str(number)][name][:8]).reshape(4, 2), margin=0.0).mean(axis=2)
            assert np.percentile(plate, 90) - np.percentile(plate, 10) > 30, f"{name} in frame {number}"


def test_plates_are_in_most_frames(truth: dict[str, Any], quads: dict[str, dict[str, list[float]]]) -> None:
    assert len(quads) == truth["frames"]
    moving = [sum(name != "v00" and share > 0.9 for name, (*_, share) in frame.items()) for frame in quads.values()]
    assert np.mean(np.array(moving) > 0) > 0.6
