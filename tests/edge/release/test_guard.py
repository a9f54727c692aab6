"""A release on trial, from the swap to the verdict, and what outlives it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.release import RefusedError, ReleaseError, examination, first, journal, lock, stage, trial
from edge.release.guard import MOST_LIVES
from tests.edge.release import units
from tests.edge.release.conftest import Unit


def test_a_good_release_stays(unit: Unit) -> None:
    said = unit.update(units.bundle(unit.folder, 2, unit.key))
    assert said == "release 2 stays: ready and as good as before for 20 s"
    known = journal.load(unit.layout.journal)
    assert (units.whole(unit.layout), unit.layout.number(unit.layout.good), known.highest, known.previous) == (2, 2, 2, 1)
    assert unit.services.asked[-3:] == ["watch", "have 2 installed", "restart 2"]


def test_a_release_that_cannot_start_goes_and_never_comes_again(unit: Unit) -> None:
    unit.services.broken = frozenset({2})
    said = unit.update(units.bundle(unit.folder, 2, unit.key))
    assert said == "release 2 goes: the daemon ended and was started again 2 times; back to release 1"
    assert units.whole(unit.layout) == 1 and unit.services.asked[-2:] == ["have 1 installed", "restart 1"]
    with pytest.raises(RefusedError, match=r"on this unit's blocklist: the daemon ended"):
        stage.stage(unit.layout, units.bundle(unit.folder, 2, unit.key), units.FACTS, unit.image)
    with pytest.raises(RefusedError, match="on this unit's blocklist"):
        trial.activate(unit.layout, unit.services, 2)


def test_the_mended_release_is_taken(unit: Unit) -> None:
    unit.services.broken = frozenset({2})
    unit.update(units.bundle(unit.folder, 2, unit.key))
    assert "release 3 stays" in unit.update(units.bundle(unit.folder, 3, unit.key))
    assert {path.name for path in unit.layout.releases.iterdir()} == {"1", "3"}, "what nobody goes back to is gone"


def test_back_and_forth_by_an_operator(unit: Unit) -> None:
    second = units.bundle(unit.folder, 2, unit.key).read_bytes()
    unit.update(unit.folder / "2.tar.gz")
    assert trial.go_back(unit.layout, unit.services, 20.0) == 1
    assert units.guard(unit.layout, unit.services).run().startswith("release 1 stays")
    assert units.whole(unit.layout) == 1
    (unit.folder / "2.tar.gz").write_bytes(second)
    assert unit.update(unit.folder / "2.tar.gz").startswith("release 2 stays"), "it was kept once, and was not refused since"


def test_an_older_release_that_is_still_there_is_no_way_back(unit: Unit) -> None:
    """It was: the release before the good one lay on the unit, and asking for it by its bundle went around the rising number."""
    unit.update(units.bundle(unit.folder, 2, unit.key))
    examination.examine(unit.layout, 1)
    with pytest.raises(RefusedError, match="release 1 is older than 2, which this unit has had: --rollback goes back"):
        trial.activate(unit.layout, unit.services, 1)


def test_there_is_nothing_to_go_back_to(unit: Unit) -> None:
    with pytest.raises(ReleaseError, match="no release to go back to"):
        trial.go_back(unit.layout, unit.services)


def test_an_operator_ends_a_trial(unit: Unit) -> None:
    number = stage.stage(unit.layout, units.bundle(unit.folder, 2, unit.key), units.FACTS, unit.image).release
    examination.examine(unit.layout, number)
    trial.activate(unit.layout, unit.services, number)
    assert trial.go_back(unit.layout, unit.services) == 1
    assert "an operator wants the release before it back; back to release 1" in units.guard(unit.layout, unit.services).run()
    known = journal.load(unit.layout.journal)
    assert units.whole(unit.layout) == 1 and known.trial is None and known.blocked == {}


def test_a_trial_that_takes_the_machine_down_ends(unit: Unit) -> None:
    number = stage.stage(unit.layout, units.bundle(unit.folder, 2, unit.key), units.FACTS, unit.image).release
    examination.examine(unit.layout, number)
    trial.activate(unit.layout, unit.services, number)

    class PowerCut(BaseException):
        pass

    def cut(seconds: float) -> None:
        raise PowerCut

    for _ in range(MOST_LIVES):
        guard = units.guard(unit.layout, unit.services)
        guard.sleep = cut
        with pytest.raises(PowerCut):
            guard.run()
        assert units.whole(unit.layout) == 2
    assert (
        units.guard(unit.layout, unit.services).run() == "release 2 goes: the machine went down 3 times during its trial; back to release 1"
    )


def test_unit_files_that_cannot_be_installed_end_a_trial(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    def have_installed(self: units.StandinServices, release: int) -> None:
        if release == 2:
            raise ReleaseError("install: ended with 1: no such user")
        self.asked.append(f"have {release} installed")

    monkeypatch.setattr(units.StandinServices, "have_installed", have_installed)
    assert "install: ended with 1: no such user; back to release 1" in unit.update(units.bundle(unit.folder, 2, unit.key))
    assert units.whole(unit.layout) == 1 and unit.services.asked[-2:] == ["have 1 installed", "restart 1"]


def test_the_guard_has_nothing_to_do_without_a_trial(unit: Unit) -> None:
    asked = list(unit.services.asked)
    assert units.guard(unit.layout, unit.services).run() == "" and unit.services.asked == asked


def test_there_is_one_guard_and_one_hand_at_a_time(unit: Unit) -> None:
    with lock.held(unit.layout), pytest.raises(ReleaseError, match="somebody else is at work"), lock.held(unit.layout, wait_s=0.2):
        pass


def test_nothing_else_is_taken_up_during_a_trial(unit: Unit) -> None:
    number = stage.stage(unit.layout, units.bundle(unit.folder, 2, unit.key), units.FACTS, unit.image).release
    examination.examine(unit.layout, number)
    trial.activate(unit.layout, unit.services, number)
    trial.activate(unit.layout, unit.services, number)  # asked twice, it is one trial
    for attempt in (
        lambda: stage.stage(unit.layout, units.bundle(unit.folder, 3, unit.key), units.FACTS, unit.image),
        lambda: examination.examine(unit.layout, 2),
        lambda: trial.activate(unit.layout, unit.services, 1),
    ):
        with pytest.raises(ReleaseError, match="release 2 is on trial"):
            attempt()


def test_a_journal_that_cannot_be_read_stops_everything(unit: Unit) -> None:
    unit.layout.journal.write_text("{")
    with pytest.raises(ReleaseError, match="look at it before anything is changed"):
        unit.update(units.bundle(unit.folder, 2, unit.key))
    assert units.whole(unit.layout) == 1


def test_a_bare_unit_is_provisioned_once(unit: Unit, tmp_path: Path) -> None:
    other = units.bundle(unit.folder, 9, unit.key)
    with pytest.raises(ReleaseError, match="has been provisioned already"):
        units.provision(unit.layout, unit.services, other, unit.key, unit.image)
    stranger = units.key(tmp_path, "stranger")
    first.trust_first(unit.layout, [stranger.public])
    assert json.loads(unit.layout.trust.read_text())["keys"] == [str(unit.key.public)], "keys come once, and then by rotation"
