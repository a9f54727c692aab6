"""Pictures and picture files as they should not be: a picture, or words about what it is instead."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st

from alpr import imaging
from alpr.types import F32, U8
from edge.cameras.checks import malformed
from edge.cameras.file import VideoFile
from edge.cameras.folder import PictureFolder, picture
from edge.cameras.spec import CameraError, CameraSpec
from edge.cameras.state import ENDED
from edge.gate import sharpness
from edge.mqtt.crop import jpeg
from edge.privacy import masked
from tests.fuzz.decode import seeds
from tests.fuzz.mutations import damaged
from tests.fuzz.target import Check, Target

KINDS = (".jpg", ".png", ".bmp", ".webp", ".tiff")
SIDES = (0, 1, 2, 3, 7, 8, 16, 31, 32, 33, 96, 129)
LONG = (4001, 20_000, 32_767, 32_768, 40_000)
DTYPES = (np.uint8, np.uint8, np.uint8, np.uint16, np.int8, np.float32, np.bool_)
CHANNELS = (3, 3, 3, 3, 1, 2, 4, 0, None)


def street() -> U8:
    """Something that a codec has work with."""
    rows, columns = np.mgrid[0:48, 0:64].astype(np.float32)
    bands = np.dstack([127 + 120 * np.sin(rows / 5), columns * 4 % 256, 127 + 120 * np.cos((rows + columns) / 9)])
    return bands.clip(0, 255).astype(np.uint8)


FILES = {kind: cv2.imencode(kind, street())[1].tobytes() for kind in KINDS}


def array(seed: int, shape: tuple[int, int], channels: int | None, dtype: Any, form: str) -> Any:
    """A picture of any shape and kind, its memory in any order."""
    whole = shape if channels is None else (*shape, channels)
    made = (np.random.default_rng(seed).random(whole, np.float32) * 255).astype(dtype)
    if form == "fortran":
        return np.asfortranarray(made)
    if form == "view":
        return np.repeat(np.repeat(made, 2, axis=0), 2, axis=1)[::2, ::-2]
    made.setflags(write=form != "read-only")
    return made


def prepared(folder: Path) -> Check:
    """An array through every function that prepares pictures."""

    def check(given: tuple[Any, str, tuple[int, int], list[float]]) -> bool:
        made, name, size_px, corners = given
        try:
            _right(name, made, size_px, STEPS[name](made, size_px, np.array(corners, np.float32).reshape(4, 2)))
        except ValueError as error:
            assert "expected" in str(error) or "quad" in str(error), error
            assert malformed(made) or "quad" in str(error), f"{name} refused a good picture: {error}"
            return False
        assert made.dtype == np.uint8 and made.ndim == 3 and made.shape[2] == 3, f"{name} took {made.shape} {made.dtype}"
        return True

    return check


Step = Callable[[Any, tuple[int, int], F32], Any]
STEPS: dict[str, Step] = {
    "letterbox": lambda bgr, size, quad: imaging.letterbox(bgr, size)[0],
    "resize": lambda bgr, size, quad: imaging.resize(bgr, size),
    "tensor": lambda bgr, size, quad: imaging.tensor([bgr], size),
    "rectify": lambda bgr, size, quad: imaging.rectify(bgr, quad),
}


def _right(name: str, bgr: U8, size_px: tuple[int, int], made: Any) -> None:
    if name == "tensor":
        assert made.shape == (1, 3, *size_px) and made.dtype == np.float32 and 0 <= made.min() <= made.max() <= 1
        return
    assert made.dtype == np.uint8 and made.shape[2:] == (3,)
    if name != "rectify":
        assert made.shape[:2] == size_px
        return
    high, wide = bgr.shape[:2]
    assert min(made.shape[:2]) >= 8 and made.size <= 3 * MOST_OF_A_PICTURE * max(64, high * wide), made.shape
    assert np.isfinite(sharpness(made)) and len(jpeg(made, "a-1")) > 100


MOST_OF_A_PICTURE = 6
"""A plate whose corners lie outside has no more pixels than so many pictures: of one of 4K, a gigabyte otherwise."""


def mask(folder: Path) -> Check:
    """Private ground of any corners on a picture of any size: black inside, nothing else changed, and the original where it is shared."""

    def check(given: tuple[tuple[int, int], list[list[tuple[float, float]]], bool]) -> bool:
        shape, polygons, shared = given
        bgr = np.full((*shape, 3), 200, np.uint8)
        bgr.setflags(write=not shared)
        done = masked(bgr, polygons)
        assert done.shape == bgr.shape and set(np.unique(done)) <= {0, 200}
        assert not shared or (bgr == 200).all()
        return bool((done == 0).any())

    return check


def picture_file(folder: Path) -> Check:
    def check(given: tuple[str, bytes]) -> bool:
        kind, data = given
        path = folder / f"picture{kind}"
        path.write_bytes(data)
        bgr, fault = picture(path)
        assert (bgr is None) == bool(fault)
        assert bgr is None or (not malformed(bgr) and max(bgr.shape) < 1 << 15), "a size that the warps do not take"
        return bgr is not None

    return check


def picture_folder(folder: Path) -> Check:
    """A folder in which a good picture stands between two that are damaged: every file is counted, the good one seen."""

    def check(given: list[tuple[str, bytes]]) -> bool:
        for old in folder.iterdir():
            old.unlink()
        for number, (kind, data) in enumerate(given):
            (folder / f"{number}{kind}").write_bytes(data)
        (folder / "good.png").write_bytes(FILES[".png"])
        camera = PictureFolder(CameraSpec("road", str(folder)))
        frames = list(camera.frames(threading.Event()))
        state = camera.state
        assert len(frames) + sum(state.drops.values()) == state.frames == len(given) + 1 and state.phase == ENDED
        assert frames and not any(malformed(frame.bgr) for frame in frames)
        return len(frames) == len(given) + 1

    return check


def video(folder: Path) -> Check:
    """A damaged video file: refused when it is opened, or pictures, and an end."""
    path = folder / "clip.avi"

    def check(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            camera = VideoFile(CameraSpec("road", str(path)))
        except CameraError as error:
            assert "expected" in str(error) or "convert" in str(error)
            return False
        for count, frame in enumerate(camera.frames(threading.Event())):
            assert not malformed(frame.bgr)
            if count > 200:  # a header may promise millions, all of them the last that could be decoded
                camera.close()
        assert camera.state.phase == ENDED
        return True

    return check


def clip() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.avi"
        out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
        for number in range(5):
            out.write(np.roll(street(), 3 * number, axis=1))
        out.release()
        return path.read_bytes()


CLIP = clip()

files = st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind), st.just(FILES[kind]) | damaged(FILES[kind])))
side = st.sampled_from(SIDES)
shape = st.tuples(side, side) | st.tuples(side, side) | st.tuples(st.sampled_from(LONG), st.integers(1, 3))
forms = st.sampled_from(("plain", "plain", "fortran", "view", "read-only"))
odd = st.sampled_from((np.nan, np.inf, -np.inf, 1e30, -1e30, 1e7, 3e38, -5.0, 0.0, 1e-30))
near = st.floats(-20, 150, width=32)
corner_lists = st.lists(near, min_size=8, max_size=8) | st.lists(near | odd, min_size=8, max_size=8)
corner_lists = corner_lists | st.tuples(near, near, st.floats(1, 300), st.floats(1, 300)).map(
    lambda b: [b[0], b[1], b[0] + b[2], b[1], b[0] + b[2], b[1] + b[3], b[0], b[1] + b[3]]
)
arrays = st.builds(array, seeds, shape | shape.map(lambda s: s[::-1]), st.sampled_from(CHANNELS), st.sampled_from(DTYPES), forms)
sizes = st.tuples(st.integers(1, 130), st.integers(1, 130))
shares = st.floats(0, 1)
polygons = st.lists(st.lists(st.tuples(shares, shares), min_size=3, max_size=6), max_size=3)

TARGETS = (
    Target("picture in memory", st.tuples(arrays, st.sampled_from(sorted(STEPS)), sizes, corner_lists), prepared, quick=400),
    Target("mask", st.tuples(st.tuples(st.integers(1, 60), st.integers(1, 60)), polygons, st.booleans()), mask, quick=200),
    Target("picture file", files, picture_file, quick=250),
    Target("picture folder", st.lists(files, min_size=2, max_size=2), picture_folder, quick=30),
    Target("video file", st.just(CLIP) | damaged(CLIP), video, quick=60),
)
