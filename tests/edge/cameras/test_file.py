from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.cameras import CameraError, CameraSpec, open_camera
from tests.edge.cameras.conftest import write_video
from tests.edge.cameras.consumer import Consumer, wait_until
from tests.edge.cameras.scenes import scene

Consume = Callable[[CameraSpec], Consumer]
RNG = np.random.default_rng(0)


def test_every_frame_in_order(video: Path, consume: Consume) -> None:
    consumer = consume(CameraSpec("gate", str(video)))
    consumer.finish()
    frames, state = consumer.frames, consumer.camera.state
    assert [frame.number for frame in frames] == list(range(60))
    assert not consumer.camera.live
    assert all(np.abs(frame.bgr.astype(int) - scene(frame.number)).mean() < 6 for frame in frames)
    assert all(one.captured_ns <= other.captured_ns for one, other in itertools.pairwise(frames))
    assert (state.phase, state.frames, state.drops, state.size, state.error) == ("ended", 60, {}, (320, 240), "")


def test_loops_and_ends_when_told(video: Path, consume: Consume) -> None:
    consumer = consume(CameraSpec("gate", str(video), loop=True))
    consumer.wait(150)
    consumer.end()
    assert np.array_equal(consumer.frames[0].bgr, consumer.frames[60].bgr)


def test_paced_it_comes_like_a_live_camera(tmp_path: Path, consume: Consume) -> None:
    path = write_video(tmp_path / "slow.mp4", 11, fps=20)
    consumer = consume(CameraSpec("gate", str(path), realtime=True))
    consumer.finish()
    assert consumer.camera.live
    assert consumer.frames[-1].captured_ns - consumer.frames[0].captured_ns >= 0.45e9  # ten intervals, the first may be short


def test_close_wakes_who_waits_for_the_next_frame(tmp_path: Path, consume: Consume) -> None:
    path = write_video(tmp_path / "slow.mp4", 3, fps=1)
    consumer = consume(CameraSpec("gate", str(path), fps=0.01, realtime=True))
    wait_until(lambda: len(consumer.frames) == 1)
    consumer.camera.close()
    consumer.camera.close()
    consumer.finish()


def test_a_file_cut_off_gives_its_frames_and_a_note(tmp_path: Path, consume: Consume) -> None:
    whole = write_video(tmp_path / "whole.avi", 60, "MJPG")
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    consumer = consume(CameraSpec("gate", str(cut)))
    consumer.finish()
    state = consumer.camera.state
    assert 20 <= len(consumer.frames) <= 40
    assert len(consumer.frames) + state.drops["missing"] + state.drops.get("broken", 0) == 60
    assert "cut off" in state.error


def test_an_mp4_cut_off_behind_its_index_gives_its_frames_and_a_note(video: Path, tmp_path: Path, consume: Consume) -> None:
    """As a download that stopped leaves it: the index promises more frames than there are."""
    data = index_first(video.read_bytes())
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) * 6 // 10])
    consumer = consume(CameraSpec("gate", str(tmp_path / "cut.mp4")))
    consumer.finish()
    state = consumer.camera.state
    assert 20 <= len(consumer.frames) <= 45
    assert state.drops["missing"] == 60 - len(consumer.frames)
    assert "cut off" in state.error


def index_first(mp4: bytes) -> bytes:
    """The same MP4 with its moov box before its mdat box, the chunk offsets in it moved by as much."""
    boxes, at = [], 0
    while at < len(mp4):
        size = int.from_bytes(mp4[at : at + 4], "big")
        boxes.append(mp4[at : at + size])
        at += size
    index = bytearray(next(box for box in boxes if box[4:8] == b"moov"))
    table = index.index(b"stco") + 8
    for entry in range(table + 4, table + 4 + 4 * int.from_bytes(index[table : table + 4], "big"), 4):
        index[entry : entry + 4] = (int.from_bytes(index[entry : entry + 4], "big") + len(index)).to_bytes(4, "big")
    return b"".join([boxes[0], bytes(index), *(box for box in boxes[1:] if box[4:8] != b"moov")])


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.mp4", b"", "is empty"),
        ("text.mp4", b"this is not a video\n" * 50, "no video that FFmpeg can open"),
        ("none.mp4", None, "No such file"),
    ],
)
def test_what_is_no_video_is_told_at_once(tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CameraError, match=told) as error:
        open_camera(CameraSpec("gate", str(tmp_path / name)), RNG)
    assert name in str(error.value)
    assert "camera gate" in str(error.value)


def test_an_mp4_that_lost_its_index_is_told_at_once(video: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    with pytest.raises(CameraError, match="complete with its index"):
        open_camera(CameraSpec("gate", str(cut)), RNG)


def test_a_named_pipe_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(CameraError, match="not a regular file"):
        open_camera(CameraSpec("gate", str(tmp_path / "pipe.mp4")), RNG)


def test_a_stopped_camera_gives_nothing_more(video: Path) -> None:
    stop = threading.Event()
    frames = open_camera(CameraSpec("gate", str(video)), RNG).frames(stop)
    assert next(frames).number == 0
    stop.set()
    assert list(frames) == []


def test_a_name_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    """OpenCV ended the whole process, with a segmentation fault."""
    path = tmp_path / os.fsdecode(b"clip\xff.mp4")
    path.write_bytes(b"any")
    with pytest.raises(CameraError, match=r"clip\\udcff.mp4'.*rename") as error:
        open_camera(CameraSpec("gate", str(path)), RNG)
    str(error.value).encode()
