"""What the page lists of reads: what has left the unit, and nothing that privacy keeps back or that was erased."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from alpr.imaging import quad_from_box
from alpr.types import Course, Crossing, PlateCrop, Read, Track
from edge.loop import Job
from edge.privacy import PrivacyRules
from edge.web.reads import MOST, Reads
from tests.edge.plates import plate_event
from tests.edge.web.rig import Rig


@dataclass
class Rules:
    rules: PrivacyRules = field(default_factory=PrivacyRules)
    erasures: int = 0

    def reads(self) -> Reads:
        return Reads(lambda: self.rules, lambda: self.erasures)


def job(text: str, track: int = 17) -> Job:
    box = np.array([0, 0, 80, 20], np.float32)
    crop = PlateCrop(np.zeros((20, 80, 3), np.uint8), quad_from_box(box), 20.0, 0, 0)
    read = Read(np.zeros((10, 37), np.float32), text, np.full(len(text), 0.8, np.float32), 0.0)
    return Job(Track(track, box, quad_from_box(box), 0.9, 0, 0, 5, (0.0, 0.0), 0.0), crop, False, None, ((crop, read),))


def test_the_final_event_takes_the_place_of_the_early_one() -> None:
    reads = Rules().reads()
    reads.accepted("a", plate_event(type="early", track=1))
    reads.accepted("b", plate_event("29A11111", type="final", track=2))
    reads.accepted("c", plate_event(type="final", track=1))
    assert [(row["id"], row["type"]) for row in reads.rows()] == [("c", "final"), ("b", "final")]
    for number in range(100):
        reads.accepted(str(number), plate_event(track=number))
    assert len(reads.rows()) == MOST


def test_a_row_says_what_the_vehicle_did() -> None:
    course = Course("lane", 12.34, True, (Crossing("stop", "in", 1_700_000_000.0, 0),))
    reads = Rules().reads()
    reads.accepted("a", plate_event(course=course))
    row = reads.rows()[0]
    assert (row["zone"], row["dwell_s"], row["parked"], row["crossings"]) == ("lane", 12.3, True, [{"line": "stop", "direction": "in"}])
    assert row["utc"] == "2023-11-14T22:13:20Z" and row["ms"] == 212


def test_reads_that_no_event_vouches_for_are_shown_in_the_clear_alone() -> None:
    told = Rules()
    reads = told.reads()
    reads.heard("gate", job("51F7342"))
    assert reads.last("gate", 17) == ("51F7342", np.float32(0.8))
    told.rules = PrivacyRules(mode="allow_list", allow_list=Path("plates"))
    assert reads.last("gate", 17) is None, "what was shown before may be kept back now"
    reads.heard("gate", job("51F7342"))
    assert reads.last("gate", 17) is None
    reads.accepted("a", plate_event())
    assert reads.last("gate", 17) == ("51F-734.20", 0.93), "a listed plate has left the unit"


def test_a_change_of_rules_and_an_erasure_empty_the_list() -> None:
    told = Rules()
    reads = told.reads()
    reads.accepted("a", plate_event())
    told.erasures += 1
    assert reads.rows() == [] and reads.last("gate", 17) is None
    reads.accepted("a", plate_event())
    told.rules = PrivacyRules(rotate_days=8)
    assert reads.rows() == []


def test_under_hmac_the_page_has_tokens_and_no_text(tmp_path: Path, root: Path) -> None:
    """From the unit's own acceptance to the page's answer."""
    (tmp_path / "key").write_text("k" * 40)
    with Rig(tmp_path, root, more="privacy: {mode: hmac, key_file: key}\n") as rig:
        rig.unit.loop.onlooker.heard("road", job("51F73420"))  # type: ignore[union-attr]
        assert list(rig.unit._accept(plate_event("51F73420", camera="road")))
        body = rig.ask("/api/state").body
        row = rig.ask("/api/state").json["reads"][0]
    assert len(row["plate"]) == 32 and row["chars"] == [] and row["others"] == []
    assert b"51F73420" not in body and b"734" not in body and rig.view.reads.last("road", 17) == (row["plate"], 0.93)


def test_an_erasure_on_the_unit_reaches_the_page(tmp_path: Path, root: Path) -> None:
    with Rig(tmp_path, root) as rig:
        assert list(rig.unit._accept(plate_event("51F73420", camera="road")))
        assert rig.ask("/api/state").json["reads"]
        rig.unit.eraser("51F-734.20", "test")
        assert rig.ask("/api/state").json["reads"] == []
