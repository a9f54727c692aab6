"""Lists as files, and what they make of a vote, an event, a reload and the privacy modes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from alpr.syntax import Grammar
from alpr.types import Hit, Vote
from alpr.vote import vote
from edge.config import load
from edge.judge import Judge, JudgeRules
from edge.lists import ListError, Lists, PlateList, entries
from edge.outbox import Outbox
from edge.privacy import Privacy, PrivacyRules, token
from tests.alpr.lattices import read
from tests.edge.configs import LEAST, folder, only, written
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.test_judge import tell, track
from tests.edge.test_reload import Rig, rig

__all__ = ["folder", "rig"]
GRAMMAR = Grammar.load(Path(__file__).parents[2] / "alpr/regions", ["VN"])
KEY = b"k" * 32


def listed(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def heard(text: str, **how: float) -> Vote:
    return vote([read(text, **how)], None, GRAMMAR)


def test_a_file_holds_plates_notes_and_remarks(tmp_path: Path) -> None:
    file = listed(tmp_path / "staff", "\ufeff# staff\n51F-734.20, Anna's van  # blue\n\n 30a 123 45\n29-MĐ1 234.56,\n")
    assert entries(file) == {"51F73420": "Anna's van", "30A12345": "", "29MD123456": ""}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# nobody\n", "which names no plate, expected one a line"),
        ("51F-734.20\nА123ВС\n", "whose line 2 is 'А123ВС', expected a plate of A-Z and 0-9"),  # Cyrillic: A123 would be another's
        ("51F;734\n", "whose line 1 is '51F;734'"),
    ],
)
def test_a_file_that_is_no_list_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ListError) as caught:
        entries(listed(tmp_path / "list", text))
    assert said in str(caught.value)


def test_each_list_names_its_likeliest_plate(tmp_path: Path) -> None:
    specs = (
        PlateList("staff", listed(tmp_path / "a", "51F73420, Anna\n51F73421\n"), "allow"),
        PlateList("stolen", listed(tmp_path / "b", "51F73426\n"), "deny", least=0.02),
        PlateList("guests", listed(tmp_path / "c", "30A12345\n")),
    )
    doubtful = vote([read("51F73420", 0.999, doubts={7: {"6": 0.2}})], None, GRAMMAR)
    hits = Lists(specs, GRAMMAR)(doubtful)
    assert [(hit.list, hit.kind, hit.plate, hit.note) for hit in hits] == [
        ("staff", "allow", "51F73420", "Anna"),
        ("stolen", "deny", "51F73426", ""),
    ]
    assert hits[0].probability == pytest.approx(0.8, abs=0.03) and hits[1].probability == pytest.approx(0.2, abs=0.03)
    assert Lists([replace(specs[1], least=0.5)], GRAMMAR)(doubtful) == ()


def test_the_config_finds_lists_beside_itself_and_says_what_is_wrong(folder: Path) -> None:
    listed(folder / "staff.txt", "51F73420\n")
    good = LEAST + "lists:\n  - {name: staff, file: staff.txt, kind: allow}\n"
    assert load(written(folder, good)).lists == (PlateList("staff", folder / "staff.txt", "allow"),)
    assert "lists[1].name is 'staff', as is lists[0].name" in only(folder, good + "  - {name: staff, file: staff.txt}\n")
    assert "lists[0].file is " in (said := only(folder, good.replace("staff.txt", "gone.txt"))) and "cannot be read" in said
    assert "lists[0].kind is 'friend', expected one of 'allow', 'deny', 'named'" in only(folder, good.replace("allow", "friend"))
    assert "lists[0].least is 0" in only(folder, good.replace("kind: allow", "least: 0"))


def test_hmac_tells_of_a_hit_no_more_than_of_a_read() -> None:
    (hit,) = sealed(hits=(Hit("stolen", "deny", "51F73428", "reported by N.N.", 0.4),)).hits
    assert hit == Hit("stolen", "deny", token("51F73428", KEY, 2810), "", 0.4)


def sealed(**changes: object):  # type: ignore[no-untyped-def]
    privacy = Privacy(PrivacyRules())
    privacy._mode, privacy._key = "hmac", KEY  # a key file is test_privacy's matter
    event = privacy(plate_event(**changes))
    assert event is not None and event.vote.lattice is None
    return event


def test_an_allow_list_lets_a_poor_read_out_as_the_plate_that_it_hits(tmp_path: Path) -> None:
    privacy = Privacy(PrivacyRules("allow_list", listed(tmp_path / "allowed", "51F73420\n")))
    allowed, other = Hit("staff", "allow", "51F73420", "Anna", 0.7), Hit("stolen", "deny", "51F73421", "", 0.1)
    event = privacy(plate_event("51F73428", hits=(other, allowed)))
    assert event is not None and event.hits == (allowed,)
    assert (event.vote.plate, event.vote.raw, event.vote.score) == ("51F73420", "51F73420", 0.7)
    assert (event.vote.chars, event.vote.candidates, event.vote.region.display) == ((), (), "")
    assert privacy(plate_event("51F73428", hits=(other,))) is None and privacy.withheld == 1
    own = privacy(plate_event("51F73420", hits=(other, allowed)))
    assert own is not None and own.hits == (allowed,) and own.vote.raw == "51F73420"


def test_a_doubtful_read_is_an_event_where_a_list_knows_the_plate(tmp_path: Path) -> None:
    """Two reads that disagree in a blurred place are no plate that the unit would publish; but one of the two may be looked for."""
    lists = Lists([PlateList("stolen", listed(tmp_path / "b", "51F73426\n"), "deny")], GRAMMAR)
    watching, blind = Judge(GRAMMAR, JudgeRules(), watch=lists), Judge(GRAMMAR, JudgeRules())
    for judge in (watching, blind):
        tell(judge, track(), "51F73420", "51F73426")
    event = watching.close("gate", track(), dict)
    assert event is not None and [hit.plate for hit in event.hits] == ["51F73426"]
    assert blind.close("gate", track(), dict) is None and blind.counts["unread"] == 1


def test_an_early_event_has_its_hits_too(tmp_path: Path) -> None:
    judge = Judge(GRAMMAR, JudgeRules(), watch=Lists([PlateList("staff", listed(tmp_path / "a", "51F73420\n"), "allow")], GRAMMAR))
    (early,) = tell(judge, track(), "51F73420", "51F73420")
    assert [hit.list for hit in early.hits] == ["staff"] and early.hits[0].probability > 0.9


def test_a_reload_reads_the_files_anew_and_a_bad_one_changes_nothing(rig: Rig) -> None:
    """The config is the same: what the operator has changed is the file."""
    file = listed(rig.folder / "staff.txt", "51F73420\n")
    rig.write(lists=[{"name": "staff", "file": str(file)}], regions=["VN"])
    assert set(rig.reload().changed) == {"lists", "regions"}
    watch = rig.unit.loop.judge.watch
    assert [hit.plate for hit in watch(heard("51F73420"))] == ["51F73420"]
    listed(file, "30A12345\n")
    rig.reload()
    watch = rig.unit.loop.judge.watch
    assert watch(heard("51F73420")) == () and [hit.plate for hit in watch(heard("30A12345"))] == ["30A12345"]
    file.unlink()
    assert "lists[0].file is " in rig.reload().refused and rig.unit.loop.judge.watch is watch


def test_erasing_a_plate_takes_the_poor_reads_that_hit_it_too(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", IDENTITY)
    try:
        outbox.accept(plate_event("51F73428", track=1, hits=(Hit("stolen", "deny", "51F73420", "", 0.3),)))
        outbox.accept(plate_event("30A12345", track=2, hits=(Hit("staff", "allow", "30A12345", "", 0.9),)))
        assert outbox.erase(["51F73420"]).waiting == 1
        assert [json.loads(row.body)["plate"] for row in outbox.fresh(0, 10)] == ["30A12345"]
    finally:
        outbox.close()
