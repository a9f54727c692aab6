from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.cameras import CameraError, CameraSpec, gstreamer, v4l2
from tests.edge.cameras.conftest import QUICK
from tests.edge.cameras.consumer import Consumer

TAIL = "queue leaky=downstream max-size-buffers=1 max-size-bytes=0 max-size-time=0 ! {} ! gdppay ! fdsink fd=1 sync=false"


def test_pipeline_takes_raw_or_jpeg() -> None:
    wanted = "v4l2src device=/dev/video0 ! video/x-raw;image/jpeg ! decodebin ! " + TAIL.format("videoconvert ! video/x-raw,format=I420")
    assert v4l2.pipeline(CameraSpec("gate", "/dev/video0"), jetson=False) == wanted
    assert v4l2.pipeline(CameraSpec("gate", "v4l2:///dev/video0"), jetson=False) == wanted


def test_pipeline_with_size_rate_and_jpeg_on_a_jetson() -> None:
    text = v4l2.pipeline(CameraSpec("gate", "/dev/video1", width=1280, height=720, fps=29.97, codec="mjpeg"), jetson=True)
    assert text.startswith("v4l2src device=/dev/video1 ! image/jpeg,width=1280,height=720,framerate=2997/100 ! decodebin ! ")
    assert "nvvidconv ! video/x-raw,format=I420,width=1280,height=720 ! gdppay" in text


@pytest.mark.parametrize("source", ["v4l2://video0", "/dev/video0 ! filesink location=/tmp/x", "v4l2://"])
def test_what_names_no_device_is_refused(source: str) -> None:
    with pytest.raises(CameraError, match="expected /dev/video0"):
        v4l2.device(source)


def test_what_can_be_absent(tmp_path: Path) -> None:
    (tmp_path / "video0").touch()
    assert "no such device" in v4l2.absent(tmp_path / "video9")
    assert "no camera device" in v4l2.absent(tmp_path / "video0")
    assert v4l2.absent(Path("/dev/null")) == ""


@pytest.mark.parametrize("decoder", ["auto", "opencv"])
def test_a_camera_that_is_not_plugged_in_is_waited_for(consume: Callable[[CameraSpec], Consumer], decoder: str) -> None:
    consumer = consume(CameraSpec("gate", "/dev/video97", decoder=decoder, **QUICK))
    consumer.wait_error("/dev/video97: no such device; is the camera plugged in?")


@pytest.mark.parametrize("decoder", ["gstreamer", "opencv"])
def test_a_device_that_is_no_camera_is_down_with_a_reason(consume: Callable[[CameraSpec], Consumer], decoder: str) -> None:
    if decoder == "gstreamer" and not gstreamer.installed(*v4l2.elements(jetson=False)):
        pytest.skip("GStreamer is not installed: apt-get install gstreamer1.0-tools gstreamer1.0-plugins-{base,good,bad}")
    consumer = consume(CameraSpec("gate", "v4l2:///dev/null", decoder=decoder, **QUICK))
    consumer.wait_error("cannot be opened: ")
    assert "/dev/null" in consumer.camera.state.error


def test_a_url_that_names_no_device_shows_no_password() -> None:
    with pytest.raises(CameraError) as error:
        v4l2.device("v4l2://bob:geheim99@host")
    assert "geheim99" not in str(error.value) and "names no device" in str(error.value)
