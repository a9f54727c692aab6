from __future__ import annotations

from pathlib import Path

import pytest

from edge.cameras import CameraError, CameraSpec, kind_of, redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://bob:geheim@10.0.0.5:554/live", "rtsp://***@10.0.0.5:554/live"),
        ("rtsps://bob:p@ss/w@host/live", "rtsps://***@host/live"),
        ("error at rtsp://bob:x@host/a, then rtsp://eve:y@host/b", "error at rtsp://***@host/a, then rtsp://***@host/b"),
        ("rtsp://host/h264?user=a&password=geheim&channel=1", "rtsp://host/h264?user=a&password=***&channel=1"),
        ("rtsp://host/live", "rtsp://host/live"),
        ("/video/gate.mp4", "/video/gate.mp4"),
    ],
)
def test_credentials_are_not_shown(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_a_password_out_of_its_url_is_not_shown_either() -> None:
    assert redacted("login bob / geheim99 refused", "rtsp://bob:geheim99@host/live") == "login bob / *** refused"


def test_repr_and_errors_show_no_credentials() -> None:
    assert "geheim" not in repr(CameraSpec("gate", "rtsp://bob:geheim@host/live"))
    with pytest.raises(CameraError) as error:
        kind_of("http://bob:geheim@host/live")
    assert "geheim" not in str(error.value)
    assert "rtsp://" in str(error.value)


def test_kinds(tmp_path: Path) -> None:
    sources = ("rtsp://h/x", "RTSPS://h/x", "/dev/video2", "v4l2:///dev/video2", "csi://0", str(tmp_path), "a.mp4", "plate.JPG")
    assert [kind_of(source) for source in sources] == ["rtsp", "rtsp", "v4l2", "v4l2", "csi", "folder", "file", "folder"]


@pytest.mark.parametrize("source", ["", "http://host/video", "usb://0", "rtmp://host/live"])
def test_other_sources_are_refused(source: str) -> None:
    with pytest.raises(CameraError, match="expected a video file"):
        kind_of(source)


def test_all_faults_of_a_spec_are_told_at_once() -> None:
    with pytest.raises(CameraError) as error:
        CameraSpec("gate", "csi://0", width=1280, fps=-1, codec="vp9", stall_s=0, backoff_min_s=60)
    for fault in ("camera gate", "width and height", "fps is -1", "codec is 'vp9'", "stall_s is 0", "backoff_max_s is 5.0"):
        assert fault in str(error.value)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("login bob / geh@im99 refused", "rtsp://bob:geh%40im99@host/live"),
        ("401 for geheim 99", "rtsp://bob:geheim 99@host/live"),
        ("GET /live?token=q8q8'q8q8", "rtsp://host/live?token=q8q8'q8q8"),
        ("my_password=geheim99, api_key=geheim99", "rtsp://host/live"),
        ("no route for geheim99", "rtsp://bob:geheim99@host/live@2"),
    ],
)
def test_passwords_are_not_shown_however_they_are_written(text: str, source: str) -> None:
    """Decoded, with a blank or a quote in it, under another name in a query, or before a path with an @ of its own."""
    said = redacted(text, source)
    assert "***" in said and not any(secret in said for secret in ("geh@im99", "geheim", "q8q8", "99"))


def test_waits_and_sizes_have_an_end() -> None:
    """A thread that should wait for 1e10 s ended with an OverflowError instead."""
    with pytest.raises(CameraError) as error:
        CameraSpec("gate", "csi://0", width=10**6, height=480, fps=1e300, stall_s=1e10, frozen_s=float("nan"))
    for fault in ("width is 1000000", "fps is 1e+300", "at most 86400", "frozen_s is nan"):
        assert fault in str(error.value)
