"""Reads become events: early when firm, final when gone, nothing for lettering, one event for one parked vehicle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import alpr
from alpr.decode import BLANK, read
from alpr.syntax import Grammar
from alpr.types import ALPHABET, PlateCrop, PlateEvent, Read, Track
from edge.judge import Judge, JudgeRules, Sighted

SECOND = 10**9
SEEN = Sighted("gate", 0, 1.0e9, (1280, 720))


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return Grammar.load(Path(alpr.__file__).parent / "regions", ["VN"])


@pytest.fixture
def judge(grammar: Grammar) -> Judge:
    return Judge(grammar, JudgeRules())


def said(text: str, sure: float = 0.99) -> Read:
    """A read that gives each character of a text this probability."""
    lattice = np.full((10, BLANK + 1), (1 - sure) / BLANK, np.float32)
    for slot in range(10):
        lattice[slot, ALPHABET.index(text[slot]) if slot < len(text) else BLANK] = sure
    return read(lattice, 0.0)


def track(number: int = 1, moved: float = 300.0, at: float = 100.0, last_s: float = 2.0) -> Track:
    box = np.array([at, 100, at + 110, 126], np.float32)
    return Track(number, box, np.zeros((4, 2), np.float32), 0.9, 0, round(last_s * SECOND), 40, (0, 0), moved, box - moved)


def crop(enhanced: bool = False, frame: int = 7) -> PlateCrop:
    picture = np.random.default_rng(0).integers(0, 255, (26, 110, 3), np.uint8)
    quad = np.array([[100, 100], [210, 100], [210, 126], [100, 126]], np.float32)
    return PlateCrop(picture, quad, 26.0, frame, 0, enhanced)


def tell(judge: Judge, which: Track, *texts: str, sure: float = 0.99) -> list[PlateEvent]:
    heard = [judge.hear(which, crop(frame=i), said(text, sure), 1.0, SEEN, dict)[1] for i, text in enumerate(texts)]
    return [event for event in heard if event]


def test_two_agreeing_reads_make_an_early_event_and_the_end_a_final_one(judge: Judge) -> None:
    assert tell(judge, track(), "51F73420") == []
    (early,) = tell(judge, track(), "51F73420", "51F73420")
    final = judge.close("gate", track(), dict)
    assert final is not None
    assert (early.type, final.type) == ("early", "final")
    assert early.track == final.track and early.vote.plate == final.vote.plate == "51F73420"
    assert final.vote.reads == 3 and final.vote.agreeing == 3 and final.height_px == 26.0
    assert judge.counts == {"published": 1}


def test_an_unsure_vehicle_is_counted_and_not_published(judge: Judge) -> None:
    tell(judge, track(), "51F73420", "S1F7342O", "51P13420", "61F73428", sure=0.4)
    assert judge.close("gate", track(), dict) is None
    assert judge.close("gate", track(2), dict) is None  # never read at all
    assert judge.counts == {"unread": 2}


def test_reads_that_all_differ_are_no_plate_however_sure_each_is(judge: Judge) -> None:
    tell(judge, track(), "51F73420", "52F13429", "57F73120", "51H73480")
    assert judge.close("gate", track(), dict) is None


@pytest.mark.parametrize("text", ["MCP", "HONDA", "TAXI", "A95"])
def test_lettering_is_no_plate(judge: Judge, text: str) -> None:
    """The name on a lorry went out as a final event of a rendered street, with six of six reads agreeing."""
    tell(judge, track(), *[text] * 6)
    assert judge.close("gate", track(), dict) is None
    assert judge.counts == {"strays": 1}


def test_a_moving_plate_of_an_unknown_country_is_kept_as_it_was_read(judge: Judge) -> None:
    tell(judge, track(), *["QQ12WER"] * 4)
    final = judge.close("gate", track(), dict)
    assert final is not None and final.vote.plate == "QQ12WER" and not final.vote.region.matches


def test_a_timestamp_that_never_moves_is_no_vehicle(judge: Judge) -> None:
    standing = track(moved=0.0, last_s=60)
    tell(judge, standing, *["20261122"] * 5)
    assert judge.close("gate", standing, dict) is None


def test_a_parked_car_is_one_vehicle_however_often_it_is_hidden(judge: Judge) -> None:
    for number in range(4):
        parked = track(number, moved=0.0, last_s=20.0 * (number + 1))
        events = tell(judge, parked, "51F73420", "51F73420", "51F73420")
        final = judge.close("gate", parked, dict)
        assert (len(events), final is not None) == ((1, True) if number == 0 else (0, False))
    elsewhere = track(9, moved=0.0, at=700.0, last_s=100)
    assert len(tell(judge, elsewhere, "51F73420", "51F73420")) == 1
    assert judge.counts["repeated"] == 3


def test_an_enhanced_crop_votes_and_is_never_the_evidence(judge: Judge) -> None:
    for picture in (crop(), crop(enhanced=True)):
        judge.hear(track(), picture, replace(said("51F73420"), enhanced=picture.enhanced), 1.0, SEEN, dict)
    kept = Judge(judge.grammar, JudgeRules(), crops=True)
    for picture in (crop(enhanced=True), crop()):
        kept.hear(track(), picture, replace(said("51F73420"), enhanced=picture.enhanced), 1.0, SEEN, dict)
    final = kept.close("gate", track(), dict)
    assert final is not None and final.vote.enhanced == 1
    assert final.crop is not None and np.array_equal(final.crop, crop().bgr)
