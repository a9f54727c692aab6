"""Pictures over a pipe: GStreamer's Data Protocol 1.0, as `gdppay` writes it.

Not YUV4MPEG2: GStreamer's y4menc (1.22) leaves each row's padding in, and says nothing when the picture's size changes on
the way, so that the first picture of a new size would be cut out of another. GDP states caps again and each buffer's length.
Source: gst-plugins-bad, gst/gdp/dataprotocol.c.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from alpr.types import U8

HEADER = struct.Struct(">BBBxHIQQQQH14xHH")
"""Version major, minor, flags, type, length, pts, duration, offset, offset end, buffer flags, …, two checksums (0: none)."""
BUFFER, CAPS = 1, 2
NO_TIME = 2**64 - 1
LONGEST = 1 << 28
LEAST_PX = {"I420": 2, "BGR": 1}
"""A side: an odd last row or column of I420 is left out, and with it all of a picture of one."""
_SIDE = re.compile("[0-9]{1,5}")
_FIELD = re.compile(r"\b(format|width|height)=\((?:string|int)\)\s*(\w+)")


class BrokenStreamError(Exception):
    """What came over the pipe is no stream of pictures."""


def pictures(read: Callable[[memoryview], None]) -> Iterator[U8]:
    """Pictures BGR (h, w, 3), each its own memory, for as long as `read` fills what it is given.

    Raises BrokenStreamError for anything that is not GDP with I420 or BGR pictures in it, and whatever `read` raises.
    """
    shape: tuple[str, int, int] | None = None
    header, payload = bytearray(HEADER.size), np.empty(0, np.uint8)
    while True:
        read(memoryview(header))
        kind, length = _packet(header)
        if payload.size != length or shape is None or shape[0] != "I420":  # a BGR picture may be this very memory
            payload = np.empty(length, np.uint8)
        read(payload.data)
        if kind == CAPS:
            shape = _shape(payload.tobytes().decode("utf-8", "replace"))
        elif kind == BUFFER and shape is None:
            raise BrokenStreamError("expected the picture's format before the first picture")
        elif kind == BUFFER and shape is not None:
            yield bgr_from_i420(payload, *shape[1:]) if shape[0] == "I420" else _bgr(payload, *shape[1:])


def bgr_from_i420(data: U8, width: int, height: int) -> U8:
    """I420 in GStreamer's layout, rows padded to 4 bytes → BGR (h, w, 3); an odd last row or column is left out."""
    y_stride, uv_stride = -(-width // 4) * 4, -(-width // 8) * 4
    y_rows, uv_rows = -(-height // 2) * 2, -(-height // 2)
    _expect(data, y_stride * y_rows + 2 * uv_stride * uv_rows, width, height, "I420")
    height, width = height // 2 * 2, width // 2 * 2
    if y_stride == width and 2 * uv_stride == width and y_rows == height:
        return cv2.cvtColor(data.reshape(height * 3 // 2, width), cv2.COLOR_YUV2BGR_I420)  # type: ignore[return-value]
    y, u, v = np.split(data, [y_stride * y_rows, y_stride * y_rows + uv_stride * uv_rows])
    planes = [y.reshape(y_rows, y_stride)[:height, :width]] + [p.reshape(uv_rows, uv_stride)[: height // 2, : width // 2] for p in (u, v)]
    packed = np.concatenate([plane.ravel() for plane in planes]).reshape(height * 3 // 2, width)
    return cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_I420)  # type: ignore[return-value]


def packets_from_bgr(bgr: U8, caps: bool) -> list[bytes]:
    """A picture as its packet, with the packet that states its format before it where `caps` asks for that."""
    height, width = bgr.shape[:2]
    rows = np.zeros((height, _bgr_stride(width)), np.uint8)
    rows[:, : 3 * width] = bgr.reshape(height, 3 * width)
    text = f"video/x-raw, format=(string)BGR, width=(int){width}, height=(int){height}\0".encode()
    stated = [_header(CAPS, len(text)), text] if caps else []
    return [*stated, _header(BUFFER, rows.size), rows.tobytes()]


def _packet(header: bytearray) -> tuple[int, int]:
    major, minor, _flags, kind, length, *_ = HEADER.unpack(header)
    if (major, minor) != (1, 0) or length > LONGEST:
        raise BrokenStreamError(f"expected GDP 1.0 with packets under {LONGEST >> 20} MiB, found {major}.{minor} with {length} bytes")
    return kind, length


def _header(kind: int, length: int) -> bytes:
    return HEADER.pack(1, 0, 0, kind, length, NO_TIME, NO_TIME, NO_TIME, NO_TIME, 0, 0, 0)


def _shape(caps: str) -> tuple[str, int, int]:
    fields = dict(_FIELD.findall(caps))
    form, width, height = fields.get("format", ""), fields.get("width", ""), fields.get("height", "")
    if form not in LEAST_PX or not all(_SIDE.fullmatch(side) and int(side) >= LEAST_PX[form] for side in (width, height)):
        raise BrokenStreamError(f"expected pictures in I420 or BGR, found {caps[:120]!r}")
    return form, int(width), int(height)


def _bgr(data: U8, width: int, height: int) -> U8:
    _expect(data, _bgr_stride(width) * height, width, height, "BGR")
    return np.ascontiguousarray(data.reshape(height, -1)[:, : 3 * width]).reshape(height, width, 3)


def _bgr_stride(width: int) -> int:
    return -(-3 * width // 4) * 4


def _expect(data: U8, length: int, width: int, height: int, form: str) -> None:
    if data.size != length:
        raise BrokenStreamError(f"expected {length} bytes of {form} for {width}x{height}, found {data.size}")
