"""Live cameras of every temper: real capture processes that write what a test wants to see, whatever is installed."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.cameras import CameraSpec
from edge.cameras.child import Command
from edge.cameras.live import LiveCamera
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


@pytest.fixture
def temper(request: pytest.FixtureRequest) -> Iterator[object]:
    """Start a camera whose capture runs a piece of Python."""
    opened: list[Consumer] = []

    def start(code: str, **bounds: float) -> Consumer:
        command = Command((sys.executable, "-c", PRELUDE + code), {"PYTHONPATH": str(ROOT)})
        spec = CameraSpec("gate", "rtsp://bob:geheim99@host/live", **{**QUICK, **bounds})  # type: ignore[arg-type]
        opened.append(Consumer(LiveCamera(spec, command, np.random.default_rng(2))))
        return opened[-1]

    yield start
    for consumer in opened:
        consumer.camera.close()
        consumer.finish()


def test_streams_counts_and_stops_soon(temper) -> None:  # type: ignore[no-untyped-def]
    consumer = temper("moving(FOREVER)".replace("FOREVER", str(FOREVER)))
    consumer.wait(20)
    state = consumer.camera.state
    assert (state.phase, state.size, state.reconnects, dict(state.drops), state.error) == ("streaming", (320, 240), 0, {}, "")
    assert 2 < state.fps < 40
    assert [frame.number for frame in consumer.frames[:20]] == list(range(20))
    assert consumer.end() < 0.5
    assert consumer.camera.state.phase == "ended"


def test_a_source_that_ends_well_is_a_failure_all_the_same(temper, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    """FFmpeg over TCP ends with exit code 0 when the server is killed."""
    caplog.set_level(logging.INFO)
    consumer = temper("moving(5)")
    wait_until(lambda: consumer.camera.state.reconnects >= 2, 20, "two reconnects")
    assert "the stream ended: exit code 0" in consumer.camera.state.error
    assert len(consumer.frames) >= 11


def test_a_stall_is_noticed_by_the_age_of_the_picture(temper) -> None:  # type: ignore[no-untyped-def]
    consumer = temper(
        "moving(5); sys.stdout.buffer.write(b'half a packet'); sys.stdout.buffer.flush(); time.sleep(300)", backoff_min_s=3, backoff_max_s=3
    )
    consumer.wait(5)
    began_s = time.monotonic()
    consumer.wait_phase("stalled")
    assert time.monotonic() - began_s < QUICK["stall_s"] + 0.7
    assert consumer.camera.state.error == "no picture for 1 s"
    wait_until(lambda: consumer.camera.state.reconnects == 1, 15, "a reconnect")


def test_a_source_that_never_shows_anything_is_down(temper) -> None:  # type: ignore[no-untyped-def]
    consumer = temper(
        "sys.stderr.write('waiting for a keyframe'); sys.stderr.flush(); time.sleep(300)", open_s=1.5, backoff_min_s=3, backoff_max_s=3
    )
    consumer.wait_phase("down")
    assert consumer.camera.state.error == "no picture for 1.5 s: waiting for a keyframe"


def test_a_frozen_picture_is_dropped_then_reopened(temper) -> None:  # type: ignore[no-untyped-def]
    """The stream goes on, with the same picture for ever: only looking at it tells."""
    consumer = temper(f"moving(3)\nfor _ in range({FOREVER}): show(scene(2))", frozen_s=1, open_s=2, backoff_min_s=3, backoff_max_s=3)
    consumer.wait_phase("stalled")
    assert consumer.camera.state.error == "only frozen pictures for 1 s"
    assert consumer.camera.state.drops["frozen"] > 5


def test_garbage_between_good_pictures_is_left_out(temper) -> None:  # type: ignore[no-untyped-def]
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
    assert all(frame.bgr.any() and np.ptp(frame.bgr) > 100 for frame in consumer.frames)


def test_a_new_size_is_taken_and_told(temper, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    consumer = temper(f"moving(5); moving({FOREVER}, width=640, height=360)")
    consumer.wait(10)
    state = consumer.camera.state
    assert (state.resizes, state.size, dict(state.drops)) == (1, (640, 360), {})
    assert {frame.bgr.shape for frame in consumer.frames} == {(240, 320, 3), (360, 640, 3)}
    assert "640x360" in caplog.text


@pytest.mark.parametrize(
    "garbage", ["b'HTTP/1.0 404 Not Found' * 9", "gdp._header(gdp.BUFFER, 1 << 30) + b'x'", "gdp._header(gdp.CAPS, 4) + b'nope'"]
)
def test_a_broken_stream_is_down_with_a_reason(temper, garbage: str) -> None:  # type: ignore[no-untyped-def]
    consumer = temper(f"sys.stdout.buffer.write({garbage}); sys.stdout.buffer.flush(); time.sleep(300)", backoff_min_s=3, backoff_max_s=3)
    consumer.wait_phase("down")
    assert consumer.camera.state.error.startswith("broken stream: expected")


def test_an_outage_is_told_once_and_without_the_password(temper, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    caplog.set_level(logging.INFO)
    consumer = temper("sys.exit('rtsp://bob:geheim99@host/live refused: bob/geheim99 may not look')")
    wait_until(lambda: "may not look" in consumer.camera.state.error, 15, "the reason")
    time.sleep(1.5)  # several attempts at these bounds; there is nothing to wait for but their silence
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert "rtsp://***@host/live refused" in told[0]
    assert "geheim99" not in caplog.text + repr(consumer.camera.state)


def test_a_slow_consumer_gets_no_old_picture(temper) -> None:  # type: ignore[no-untyped-def]
    consumer = temper(f"moving({FOREVER}, width=640, height=480)")
    consumer.stop.set()
    consumer.finish()
    frames = consumer.camera.frames(stop := type(consumer.stop)())
    first = next(frames)
    time.sleep(0.8)  # the consumer at work
    second = next(frames)
    stop.set()
    assert list(frames) == []
    assert consumer.camera.state.drops["late"] == 1
    assert second.number == first.number + 2


def test_trouble_of_one_camera_does_not_touch_another(temper) -> None:  # type: ignore[no-untyped-def]
    good = temper(f"moving({FOREVER})")
    bad = temper("time.sleep(300)", open_s=0.5)
    good.wait(5)
    bad.wait_phase("down")
    good.wait(10)
    assert (good.camera.state.reconnects, good.camera.state.error) == (0, "")


def test_close_ends_a_camera_that_waits_to_open_again(temper) -> None:  # type: ignore[no-untyped-def]
    consumer = temper("sys.exit(1)", backoff_min_s=100, backoff_max_s=100)
    consumer.wait_phase("down")
    began_s = time.monotonic()
    consumer.camera.close()
    consumer.finish()
    assert time.monotonic() - began_s < 0.5
