from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.cameras import CameraError, CameraSpec, open_camera
from edge.cameras.folder import PictureFolder
from tests.edge.cameras.consumer import Consumer
from tests.edge.cameras.scenes import scene

Consume = Callable[[CameraSpec], Consumer]
RNG = np.random.default_rng(0)
ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(["b.png", "a.png", "c.jpg", "d.bmp"]):
        cv2.imwrite(str(tmp_path / name), scene(number))
    (tmp_path / "truth.csv").write_text("image,text\n")
    return tmp_path


def test_pictures_in_name_order(folder: Path, consume: Consume) -> None:
    consumer = consume(CameraSpec("gate", str(folder)))
    consumer.finish()
    assert np.array_equal(consumer.frames[0].bgr, scene(1))
    assert np.array_equal(consumer.frames[1].bgr, scene(0))
    assert isinstance(consumer.camera, PictureFolder)
    assert [consumer.camera.paths[frame.number].name for frame in consumer.frames] == ["a.png", "b.png", "c.jpg", "d.bmp"]
    assert consumer.camera.state.phase == "ended"


def test_one_picture_is_a_folder_of_one(folder: Path, consume: Consume) -> None:
    consumer = consume(CameraSpec("gate", str(folder / "a.png")))
    consumer.finish()
    assert [np.array_equal(frame.bgr, scene(1)) for frame in consumer.frames] == [True]


def test_broken_pictures_are_counted_and_told_once(folder: Path, consume: Consume, caplog: pytest.LogCaptureFixture) -> None:
    whole = (folder / "c.jpg").read_bytes()
    (folder / "aa.jpg").write_bytes(whole[:100])
    (folder / "ab.jpg").write_bytes(b"")
    (folder / "ac.png").write_text("no picture")
    cv2.imwrite(str(folder / "ad.png"), np.zeros((3, 200, 3), np.uint8))
    (folder / "ae.jpg").mkdir()
    caplog.set_level(logging.WARNING)
    consumer = consume(CameraSpec("gate", str(folder), loop=True))
    consumer.wait(9)
    consumer.end()
    assert [consumer.frames[i].number for i in range(5)] == [0, 6, 7, 8, 9]
    assert consumer.camera.state.drops["broken"] >= 10
    told = [record.getMessage() for record in caplog.records]
    assert sorted(name for name in ("aa.jpg", "ab.jpg", "ac.png", "ad.png", "ae.jpg") for line in told if name in line) == [
        "aa.jpg",
        "ab.jpg",
        "ac.png",
        "ad.png",
        "ae.jpg",
    ]


def test_nothing_readable_ends_even_where_it_should_loop(tmp_path: Path, consume: Consume) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"x")
    consumer = consume(CameraSpec("gate", str(tmp_path), loop=True))
    consumer.finish()
    state = consumer.camera.state
    assert (consumer.frames, state.drops, state.error) == ([], {"broken": 2}, "not one of the 2 pictures can be read")


def test_a_folder_without_pictures_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(CameraError, match=r"no picture in it; expected files that end in \.jpg"):
        open_camera(CameraSpec("gate", str(tmp_path)), RNG)
    with pytest.raises(CameraError, match="No such file"):
        open_camera(CameraSpec("gate", str(tmp_path / "missing.jpg")), RNG)


def test_a_damaged_header_does_not_take_the_memory(tmp_path: Path) -> None:
    """A JPEG of 1 KB that spoke of 30,000 x 30,000 pixels took 5 GB and 35 s. In a fresh process: OpenCV looks at its bound once."""
    data = bytearray(cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes())
    at = data.find(b"\xff\xc0")
    data[at + 5 : at + 9] = (30_000).to_bytes(2, "big") * 2
    (tmp_path / "a.jpg").write_bytes(data)
    code = "import sys; from pathlib import Path; from edge.cameras.folder import picture; print(picture(Path(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.jpg")], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and "(None, 'cannot be decoded" in done.stdout and "MAX_IMAGE_PIXELS" in done.stdout, (
        done.stdout + done.stderr
    )
