"""Live cameras of every temper: real capture processes that write what a test wants to see, whatever is installed."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.cameras import CameraSpec
from edge.cameras.child import Command
from edge.cameras.live import LATE_S, LiveCamera
from tests.edge.cameras.conftest import QUICK
from tests.edge.cameras.consumer import Consumer, wait_until

ROOT = Path(__file__).parents[3]
PRELUDE = """
import sys, time
import numpy as np
from edge.cameras import gdp
from tests.edge.cameras.scenes import scene
def show(picture, caps=False):
    sys.stdout.buffer.write(b"".join(gdp.packets_from_bgr(picture, caps)))
    sys.stdout.buffer.flush()
    time.sleep(0.03)
def moving(frames, first=0, width=320, height=240):
    for number in range(frames):
        show(scene(first + number, width, height), caps=number == 0)
"""
FOREVER = 100000
Temper = Callable[..., Consumer]


@pytest.fixture
def temper() -> Iterator[Temper]:
    """Start a camera whose capture runs a piece of Python."""
    opened: list[Consumer] = []

    def open_one(code: str, start: bool = True, **bounds: float) -> Consumer:
        command = Command((sys.executable, "-c", PRELUDE + code), {"PYTHONPATH": str(ROOT)})
        spec = CameraSpec("gate", "rtsp://bob:geheim99@host/live", **{**QUICK, **bounds})  # type: ignore[arg-type]
        opened.append(Consumer(LiveCamera(spec, command, np.random.default_rng(2)), start))
        return opened[-1]

    yield open_one
    for consumer in opened:
        consumer.camera.close()
        consumer.finish()


def test_streams_counts_and_stops_soon(temper: Temper) -> None:
    consumer = temper(f"moving({FOREVER})")
    consumer.wait(20)
    state = consumer.camera.state
    assert (state.phase, state.size, state.reconnects, dict(state.drops), state.error) == ("streaming", (320, 240), 0, {}, "")
    assert state.fps > 0
    assert [frame.number for frame in consumer.frames[:20]] == list(range(20))
    consumer.end()
    assert consumer.camera.state.phase == "ended"


def test_a_source_that_ends_well_is_a_failure_all_the_same(temper: Temper) -> None:
    """FFmpeg over TCP ends with exit code 0 when the server is killed."""
    consumer = temper("moving(5)")
    wait_until(lambda: consumer.camera.state.reconnects >= 2, what="two reconnects")
    assert "the stream ended: exit code 0" in consumer.camera.state.error
    assert len(consumer.frames) >= 10


def test_a_stall_is_noticed_by_the_age_of_the_picture(temper: Temper) -> None:
    code = "moving(5); sys.stdout.buffer.write(b'half a packet'); sys.stdout.buffer.flush(); time.sleep(300)"
    consumer = temper(code, stall_s=1, backoff_min_s=5, backoff_max_s=5)
    consumer.wait_error("no picture for 1 s")
    assert consumer.camera.state.phase == "stalled"
    wait_until(lambda: consumer.camera.state.reconnects == 1, what="a reconnect")


def test_a_source_that_never_shows_anything_is_down(temper: Temper) -> None:
    consumer = temper("sys.stderr.write('waiting for a keyframe'); sys.stderr.flush(); time.sleep(300)", open_s=1.5, stall_s=1)
    consumer.wait_error("no picture for 1.5 s")


def test_a_frozen_picture_is_dropped_then_reopened(temper: Temper) -> None:
    """The stream goes on, with the same picture for ever: only looking at it tells."""
    consumer = temper(f"moving(3)\nfor _ in range({FOREVER}): show(scene(2))", frozen_s=1, stall_s=3)
    consumer.wait_error("only frozen pictures for 3 s")
    assert consumer.camera.state.drops["frozen"] > 1


def test_garbage_between_good_pictures_is_left_out(temper: Temper) -> None:
    code = f"""
moving(1)
for number in range({FOREVER}):
    show(scene(number))
    show(np.full((240, 320, 3), (0, 135, 0), np.uint8))
    show(np.zeros((240, 320, 3), np.uint8))
"""
    consumer = temper(code)
    consumer.wait(10)
    state = consumer.camera.state
    assert (state.phase, set(state.drops)) == ("streaming", {"green", "flat"})
    assert all(np.ptp(frame.bgr) > 100 for frame in consumer.frames)


def test_a_new_size_is_taken_and_told(temper: Temper, caplog: pytest.LogCaptureFixture) -> None:
    consumer = temper(f"moving(5); moving({FOREVER}, width=640, height=360)")
    consumer.wait(10)
    state = consumer.camera.state
    assert (state.resizes, state.size, dict(state.drops)) == (1, (640, 360), {})
    assert {frame.bgr.shape for frame in consumer.frames} == {(240, 320, 3), (360, 640, 3)}
    assert "640x360" in caplog.text


@pytest.mark.parametrize(
    "garbage", ["b'HTTP/1.0 404 Not Found' * 9", "gdp._header(gdp.BUFFER, 1 << 30) + b'x'", "gdp._header(gdp.CAPS, 4) + b'nope'"]
)
def test_a_broken_stream_is_down_with_a_reason(temper: Temper, garbage: str) -> None:
    consumer = temper(f"sys.stdout.buffer.write({garbage}); sys.stdout.buffer.flush(); time.sleep(300)")
    consumer.wait_error("broken stream: expected")


def test_an_outage_is_told_once_and_without_the_password(temper: Temper, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    starts = tmp_path / "starts"
    code = f"open({str(starts)!r}, 'a').write('x')\nsys.exit('rtsp://bob:geheim99@host/live refused: bob/geheim99 may not look')"
    consumer = temper(code)
    wait_until(lambda: starts.exists() and starts.stat().st_size >= 3, what="three attempts")
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert "rtsp://***@host/live refused" in told[0]
    assert "geheim99" not in caplog.text + repr(consumer.camera.state)


def test_a_slow_consumer_gets_no_old_picture(temper: Temper) -> None:
    camera = temper(f"moving({FOREVER}, width=640, height=480)", start=False).camera
    assert isinstance(camera, LiveCamera)
    frames = camera.frames(threading.Event())
    first = next(frames)
    time.sleep(LATE_S)  # the consumer at work
    wait_until(lambda: camera._child is not None and camera._child.readable(0), what="an old picture in the pipe")
    second = next(frames)
    assert camera.state.drops["late"] == 1
    assert second.number == first.number + 2
    camera.close()
    assert list(frames) == []


def test_trouble_of_one_camera_does_not_touch_another(temper: Temper) -> None:
    good = temper(f"moving({FOREVER})")
    bad = temper("time.sleep(300)", open_s=0.5, stall_s=0.5)
    good.wait(5)
    bad.wait_error("no picture for 0.5 s")
    good.wait(10)
    assert (good.camera.state.reconnects, good.camera.state.error) == (0, "")


def test_close_ends_a_camera_that_waits_to_open_again(temper: Temper) -> None:
    consumer = temper("sys.exit(1)", backoff_min_s=500, backoff_max_s=500)
    consumer.wait_error("exit code 1")
    consumer.camera.close()
    consumer.finish()


def test_closing_a_camera_is_no_trouble(temper: Temper, caplog: pytest.LogCaptureFixture) -> None:
    """close() kills the capture, and its end was told as a lost stream in the last line of the log."""
    consumer = temper(f"moving({FOREVER})")
    consumer.wait(3)
    consumer.camera.close()
    consumer.finish()
    assert (consumer.camera.state.phase, consumer.camera.state.error, caplog.text) == ("ended", "", "")
