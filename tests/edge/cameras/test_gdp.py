from __future__ import annotations

import subprocess
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.cameras import gdp, gstreamer
from tests.edge.cameras.scenes import scene


class OverError(Exception):
    """The bytes of a test are used up."""


def reading(data: bytes) -> Callable[[memoryview], None]:
    rest = memoryview(data)

    def read(view: memoryview) -> None:
        nonlocal rest
        if len(rest) < len(view):
            raise OverError
        view[:] = rest[: len(view)]
        rest = rest[len(view) :]

    return read


def pictures(data: bytes) -> list[np.ndarray]:
    found = []
    with pytest.raises(OverError):
        for picture in gdp.pictures(reading(data)):
            found.append(picture)
    return found


@settings(max_examples=30, deadline=None)
@given(st.integers(16, 90), st.integers(16, 90))
def test_every_size_comes_back_as_it_went(width: int, height: int) -> None:
    bgr = np.random.default_rng(width * 91 + height).integers(0, 256, (height, width, 3), np.uint8)
    (back,) = pictures(b"".join(gdp.packets_from_bgr(bgr, caps=True)))
    assert np.array_equal(back, bgr)


@pytest.mark.parametrize("form", ["I420", "BGR"])
def test_each_picture_is_its_own_memory(form: str) -> None:
    """The buffer that planes arrive in is used again: a picture that a later stage still holds must not change under it."""
    sent = [np.full((240, 320, 3), level, np.uint8) for level in (30, 90, 150)]
    packets = [gdp.packets_from_bgr(bgr, False) for bgr in sent]
    if form == "I420":
        planes = [cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420).tobytes() for bgr in sent]
        packets = [[gdp.HEADER.pack(1, 0, 0, gdp.BUFFER, len(data), *[0] * 7), data] for data in planes]
    caps = f"video/x-raw, format=(string){form}, width=(int)320, height=(int)240\0".encode()
    stream = [gdp.HEADER.pack(1, 0, 0, gdp.CAPS, len(caps), *[0] * 7), caps, *(part for packet in packets for part in packet)]
    assert [int(picture.mean()) for picture in pictures(b"".join(stream))] == pytest.approx([30, 90, 150], abs=3)


def test_a_new_size_in_the_middle() -> None:
    first, second = scene(0, 320, 240), scene(1, 160, 120)
    stream = gdp.packets_from_bgr(first, True) + gdp.packets_from_bgr(first, False) + gdp.packets_from_bgr(second, True)
    assert [picture.shape for picture in pictures(b"".join(stream))] == [(240, 320, 3), (240, 320, 3), (120, 160, 3)]


@pytest.mark.parametrize(("width", "height"), [(320, 240), (326, 242), (327, 241)])
def test_i420_as_gstreamer_lays_it_out(width: int, height: int) -> None:
    """Rows padded to four bytes, found when a camera with a width of 326 came out slanted."""
    even = scene(0, width // 2 * 2, height // 2 * 2)
    h, w = even.shape[:2]
    packed = cv2.cvtColor(even, cv2.COLOR_BGR2YUV_I420)
    y, u, v = np.split(packed.ravel(), [h * w, h * w * 5 // 4])
    rows, y_stride, uv_stride = -(-height // 2) * 2, -(-width // 4) * 4, -(-width // 8) * 4
    planes = [(y, h, rows, y_stride), (u, h // 2, rows // 2, uv_stride), (v, h // 2, rows // 2, uv_stride)]
    padded = [_padded(plane.reshape(tall, -1), to_rows, stride) for plane, tall, to_rows, stride in planes]
    assert np.array_equal(gdp.bgr_from_i420(np.concatenate(padded), width, height), cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_I420))


def _padded(plane: np.ndarray, rows: int, stride: int) -> np.ndarray:
    return np.pad(plane, ((0, rows - plane.shape[0]), (0, stride - plane.shape[1])), constant_values=77).ravel()


@pytest.mark.skipif(
    not gstreamer.installed("gdppay", "videotestsrc"), reason="GStreamer is not installed: apt-get install gstreamer1.0-plugins-bad"
)
@pytest.mark.parametrize(("width", "height"), [(320, 240), (326, 242), (324, 241)])
def test_gstreamers_own_packets(width: int, height: int) -> None:
    """The colour bars of videotestsrc: white, yellow, cyan, green, magenta, red, blue, at three quarters of full light."""
    pipeline = f"videotestsrc num-buffers=2 ! video/x-raw,format=I420,width={width},height={height} ! {gstreamer.OUT}"
    found = pictures(subprocess.run(gstreamer.launch(pipeline).argv, capture_output=True, check=True, timeout=30).stdout)
    assert [picture.shape for picture in found] == [(height // 2 * 2, width // 2 * 2, 3)] * 2
    bars = [found[0][height // 3, int((i + 0.5) * width / 7)] for i in range(7)]
    wanted = [(1, 1, 1), (0, 1, 1), (1, 1, 0), (0, 1, 0), (1, 0, 1), (0, 0, 1), (1, 0, 0)]
    assert np.array_equal(np.array(bars) > 110, np.array(wanted) > 0)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"YUV4MPEG2 W320 H240" + b"x" * 100, "expected GDP 1.0"),
        (gdp.HEADER.pack(1, 0, 0, gdp.BUFFER, 1 << 30, *[0] * 7), "packets under 256 MiB"),
        (gdp.packets_from_bgr(scene(0), True)[2] + bytes(320 * 240 * 3), "format before the first picture"),
        (b"".join(gdp.packets_from_bgr(scene(0), True)[:2]) + gdp.HEADER.pack(1, 0, 0, gdp.BUFFER, 9, *[0] * 7) + b"x" * 9, "found 9"),
        (b"".join(gdp.packets_from_bgr(np.zeros((0, 16, 3), np.uint8), True)), "I420 or BGR"),
    ],
)
def test_no_stream_of_pictures(data: bytes, told: str) -> None:
    with pytest.raises(gdp.BrokenStreamError, match=told):
        next(gdp.pictures(reading(data)))


@pytest.mark.parametrize(
    ("form", "width", "height"), [("I420", "9" * 5000, "4"), ("I420", "1", "1"), ("I420", "64", "1"), ("BGR", "٣", "4"), ("BGR", "-3", "4")]
)
def test_sizes_that_no_picture_has_are_a_broken_stream(form: str, width: str, height: str) -> None:
    """5,000 digits were a ValueError, and I420 of one row an error of OpenCV's: the camera's thread ended instead of opening it again."""
    text = f"video/x-raw, format=(string){form}, width=(int){width}, height=(int){height}\0".encode()
    size = 4 * 2 + 2 * 4  # of I420, a row or two
    stream = gdp._header(gdp.CAPS, len(text)) + text + gdp._header(gdp.BUFFER, size) + bytes(size)
    with pytest.raises(gdp.BrokenStreamError, match="expected pictures in I420 or BGR"):
        list(gdp.pictures(reading(stream)))
