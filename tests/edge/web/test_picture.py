"""The live picture: the loop never waits for it, the newest frame wins, the frame that is read stays clean, plates are covered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from alpr.imaging import quad_from_box
from alpr.types import Detections, Frame, Track
from edge.config import load
from edge.still import Stills
from edge.unit import loop_from
from edge.web.drawing import COVER, SURE, UNSURE, annotated
from edge.web.picture import COVERED_PX, Studio
from tests.edge.waiting import until
from tests.edge.web.rig import frame, nothing_found


def nobody(camera: str, track: int) -> None:
    return None


@pytest.fixture
def covering() -> list[bool]:
    return [False]


@pytest.fixture
def studio(covering: list[bool]) -> Iterator[Studio]:
    opened = Studio(1000.0, 960, nobody, lambda: covering[0]).start()
    yield opened
    opened.close()


def shown(studio: Studio, after: int = 0) -> np.ndarray:
    """The next picture after one, decoded."""
    picture = until(lambda: (newest := studio.newest("road")) and newest.number > after and newest, "a picture")
    assert not isinstance(picture, bool) and picture is not None
    return cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)


def track(box: tuple[float, float, float, float], number: int = 1) -> Track:
    at = np.array(box, np.float32)
    return Track(number, at, quad_from_box(at), 0.9, 0, 0, 5, (0.0, 0.0), 0.0, at)


def found(*boxes: tuple[float, float, float, float]) -> Detections:
    at = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(at, np.full(len(at), 0.9, np.float32), np.array([quad_from_box(each) for each in at], np.float32).reshape(-1, 4, 2))


def test_the_loop_leaves_frames_while_the_encoder_is_stuck_and_the_newest_wins(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    held, reached = threading.Event(), threading.Event()

    def stuck(bgr: Any, *given: Any) -> Any:
        reached.set()
        assert held.wait(60)
        return annotated(bgr, *given)

    monkeypatch.setattr("edge.web.picture.annotated", stuck)
    studio.newest("road")
    studio.offer(frame(10), nothing_found(), [])
    assert reached.wait(30)
    for colour in range(11, 250):  # the encoder holds the first one: not one of these waits for it
        studio._due_s.clear()
        studio.offer(frame(colour), nothing_found(), [])
    assert studio.made == 0 and len(studio._slots) == 1
    held.set()
    until(lambda: studio.made == 2, "the first and the newest")
    assert abs(int(shown(studio, 1).mean()) - 249) <= 2


def test_no_more_pictures_than_asked_for_and_none_when_nobody_asks_any_more(covering: list[bool]) -> None:
    studio = Studio(0.001, 960, nobody, lambda: covering[0]).start()
    try:
        studio.newest("road")
        for number in range(50):
            studio.offer(frame(number=number), nothing_found(), [])
        until(lambda: studio.made == 1, "the first")
        studio._due_s.clear()
        studio._until_s["road"] = 0.0
        studio.offer(frame(), nothing_found(), [])
        assert not studio._slots and studio.made == 1
    finally:
        studio.close()


def test_a_picture_that_fails_is_told_and_the_next_one_comes(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    studio.newest("road")
    studio.offer(Frame(np.zeros((0, 0, 3), np.uint8), "road", 0, 0, 0.0, 0), nothing_found(), [])
    until(lambda: "the live picture of road failed" in caplog.text, "the log")
    studio._due_s.clear()
    studio.offer(frame(), nothing_found(), [])
    assert shown(studio).shape == (180, 320, 3)


def test_what_is_drawn_is_drawn_on_a_copy() -> None:
    """A box on the frame that is read would be read along."""
    for size, longest in (((320, 180), 960), ((320, 180), 160)):
        source = frame(90, size=size).bgr
        before = source.copy()
        picture = annotated(source, longest, [track((100, 60, 180, 90))], {1: ("51F-734.20", 0.97)})
        assert (source == before).all() and max(picture.shape) == min(longest, 320)
        assert (picture == np.uint8(SURE)).all(axis=2).any(), "the outline is there"


def test_outlines_tell_how_sure_a_read_is_and_stand_at_the_plate() -> None:
    source = frame(90, size=(640, 360)).bgr
    sure = annotated(source, 320, [track((200, 120, 360, 180))], {1: ("A", 0.95)})
    unsure = annotated(source, 320, [track((200, 120, 360, 180))], {})
    assert (sure == np.uint8(SURE)).all(axis=2).any() and not (unsure == np.uint8(SURE)).all(axis=2).any()
    rows, columns = np.nonzero((unsure == np.uint8(UNSURE)).all(axis=2))
    assert abs(columns.min() - 100) <= 2 and abs(columns.max() - 180) <= 2 and abs(rows.min() - 60) <= 2 and abs(rows.max() - 90) <= 2


def test_labels_at_the_edges_stay_in_the_picture() -> None:
    picture = annotated(
        frame(90).bgr, 320, [track((0, 0, 60, 14)), track((280, 170, 320, 180), 2)], {1: ("51F-734.20", 1.0), 2: ("51F-734.20", 0.2)}
    )
    assert picture.shape == (180, 320, 3)


def test_under_privacy_every_find_is_covered_for_a_while_and_the_picture_is_small(studio: Studio, covering: list[bool]) -> None:
    covering[0] = True
    plate = (600.0, 300.0, 700.0, 325.0)
    large = frame(200, size=(1280, 720))
    studio.newest("road")
    studio.offer(large, found(plate), [])  # found once, and in no track: in an ignore zone, or too unsure
    studio._due_s.clear()
    until(lambda: studio.made == 1, "the first")
    studio.offer(large, nothing_found(), [])  # missed in the next frame, where it still stands
    second = shown(studio, 1)
    assert max(second.shape) == COVERED_PX
    scale = COVERED_PX / 1280
    inside = second[round(302 * scale) : round(323 * scale), round(602 * scale) : round(698 * scale)].astype(int)
    assert np.abs(inside - COVER[0]).max() <= 12, "nothing of the plate is left"
    assert abs(int(second[20, 20].mean()) - 200) <= 3


def test_a_frame_left_before_privacy_came_is_not_shown_after(studio: Studio, covering: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()

    def slow(camera: str, number: int) -> None:
        assert held.wait(60)

    studio._label = slow
    studio.newest("road")
    studio.offer(frame(50), nothing_found(), [track((10, 10, 50, 20))])
    until(lambda: not studio._slots, "it is being developed")
    studio._due_s.clear()
    studio.offer(frame(60), nothing_found(), [])
    covering[0] = True
    held.set()
    until(lambda: studio.made == 1 and not studio._slots, "the first is shown, the second is looked at")
    studio._due_s.clear()
    studio.offer(frame(70), nothing_found(), [])
    assert abs(int(shown(studio, 1).mean()) - 70) <= 2 and studio.made == 2, "the second one had no covers, and is in no picture"


def test_the_unit_reads_no_plate_off_a_covered_picture(root: Path) -> None:
    """With the project's own detector and reader, on a street full of plates: what they read in the clear, they do not read here."""
    loop = loop_from(load(root / "config.yaml", {"cameras": [{"id": "road", "source": str(root / "samples/street.mp4")}]}))
    stills = Stills.of(loop)
    capture = cv2.VideoCapture(str(root / "samples/street.mp4"))
    clear, covered = set(), set()
    for number in range(300):
        bgr = capture.read()[1]
        if number % 60 == 30:
            clear |= {plate.vote.plate for plate in stills.scene(bgr) if plate.vote.score > 0.5}
            picture = annotated(bgr, COVERED_PX, [], {}, [loop.detector(bgr).boxes])
            covered |= {plate.vote.plate for plate in stills.scene(picture)}
    assert len(clear) >= 3 and not clear & covered
