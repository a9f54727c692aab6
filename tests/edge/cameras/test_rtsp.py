from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.cameras import CameraError, CameraSpec, capture_command, open_camera, rtsp
from tests.edge.cameras.conftest import QUICK, RtspServer
from tests.edge.cameras.consumer import Consumer, wait_until

Consume = Callable[[CameraSpec], Consumer]
DECODERS = ("gstreamer", "opencv")
URL = "rtsp://host/live"
NEWEST = "queue leaky=downstream max-size-buffers=1 max-size-bytes=0 max-size-time=0"
SOURCE = f"rtspsrc location={URL} protocols=tcp latency=1000 drop-on-latency=true"


def spec(url: str, decoder: str = "gstreamer", **more: float) -> CameraSpec:
    return CameraSpec("gate", url, decoder=decoder, **{**QUICK, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("codec", "jetson", "decode"),
    [
        ("auto", False, "application/x-rtp,media=video ! decodebin"),
        ("h264", False, "rtph264depay ! h264parse ! avdec_h264"),
        ("h265", False, "rtph265depay ! h265parse ! avdec_h265"),
        ("h264", True, "rtph264depay ! h264parse ! nvv4l2decoder"),
        ("h265", True, "rtph265depay ! h265parse ! nvv4l2decoder"),
    ],
)
def test_pipeline(codec: str, jetson: bool, decode: str) -> None:
    convert = "nvvidconv" if jetson else "videoconvert"
    wanted = f"{SOURCE} ! {decode} ! {NEWEST} ! {convert} ! video/x-raw,format=I420 ! gdppay ! fdsink fd=1 sync=false"
    assert rtsp.pipeline(CameraSpec("gate", URL, codec=codec), jetson) == wanted


def test_pipeline_with_a_size_and_a_rate_and_any_certificate() -> None:
    text = rtsp.pipeline(CameraSpec("gate", "rtsps://host/live", width=1280, height=720, fps=10, tls_verify=False), jetson=False)
    assert " tls-validation-flags=0 ! " in text
    assert "videorate drop-only=true max-rate=10 ! videoconvert ! videoscale ! video/x-raw,format=I420,width=1280,height=720 ! " in text


@pytest.mark.parametrize(
    "url", ["rtsp://", "rtsp:///live", "rtsp://host:port/live", "rtsp://bob:gehe im@host/x", 'rtsp://host/x" ! filesink', "rtsp://[1"]
)
def test_urls_that_cannot_be_are_refused(url: str) -> None:
    with pytest.raises(CameraError) as error:
        open_camera(CameraSpec("gate", url, decoder="opencv"), np.random.default_rng(0))
    assert "gehe" not in str(error.value)


def test_a_codec_of_usb_cameras_is_refused() -> None:
    with pytest.raises(CameraError, match="expected auto, h264 or h265"):
        rtsp.pipeline(CameraSpec("gate", URL, codec="mjpeg"), jetson=False)


def test_the_password_of_an_opencv_capture_is_in_no_list_of_processes() -> None:
    command = capture_command(CameraSpec("gate", "rtsp://bob:geheim99@host/live", decoder="opencv"), Path("/"))
    assert "geheim99" not in repr(command)


@pytest.mark.parametrize(
    ("decoder", "codec", "width", "height"),
    [("gstreamer", "h264", 320, 240), ("gstreamer", "h265", 326, 242), ("opencv", "h264", 322, 242)],
)
def test_reads(rtsp_server: RtspServer, consume: Consume, decoder: str, codec: str, width: int, height: int) -> None:
    rtsp_server.start(codec, width, height)
    consumer = consume(spec(rtsp_server.url(), decoder))
    consumer.wait(10)
    state = consumer.camera.state
    assert (state.phase, state.size, state.error) == ("streaming", (width, height), "")
    brightness = [(int(frame.bgr.max()), float(frame.bgr.mean())) for frame in consumer.frames]
    assert any(most > 240 and 1 < mean < 10 for most, mean in brightness), brightness  # a white ball on black
    assert len({frame.bgr.tobytes() for frame in consumer.frames}) > 5
    consumer.end()


@pytest.mark.parametrize("decoder", DECODERS)
def test_stalled_then_well_again(rtsp_server: RtspServer, consume: Consume, decoder: str) -> None:
    rtsp_server.start()
    consumer = consume(spec(rtsp_server.url(), decoder, stall_s=1.5))
    consumer.wait(3)
    rtsp_server.signal(signal.SIGSTOP)
    consumer.wait_error("no picture for 1.5 s")
    rtsp_server.signal(signal.SIGCONT)
    wait_until(lambda: consumer.camera.state.reconnects > 0, what="a reconnect")
    consumer.wait(3)


def test_killed_then_back_with_another_size(rtsp_server: RtspServer, consume: Consume) -> None:
    rtsp_server.start()
    consumer = consume(spec(rtsp_server.url()))
    consumer.wait(3)
    rtsp_server.kill()
    consumer.wait_error("the stream ended")
    rtsp_server.start(width=480, height=272)
    consumer.wait(5)
    state = consumer.camera.state
    assert (state.phase, state.size, state.resizes, state.reconnects) == ("streaming", (480, 272), 1, 1)


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_login(rtsp_server: RtspServer, consume: Consume, decoder: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    rtsp_server.start(login="bob:geheim99")
    right, wrong = consume(spec(rtsp_server.url("bob:geheim99"), decoder)), consume(spec(rtsp_server.url("bob:daneben1"), decoder))
    right.wait(3)
    wrong.wait_error("401")
    shown = caplog.text + repr(right.camera.state) + repr(wrong.camera.state)
    assert not any(password in shown for password in ("geheim99", "daneben1"))


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_wrong_path_and_nobody_there(rtsp_server: RtspServer, consume: Consume, decoder: str) -> None:
    nobody = consume(spec(rtsp_server.url(), decoder))
    nobody.wait_error("cannot be opened")
    rtsp_server.start()
    nowhere = consume(spec(rtsp_server.url(path="/nowhere"), decoder))
    nowhere.wait_error("404")
    nobody.wait(3)
