"""What a unit takes up, and what it refuses before it is unpacked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.release import RefusedError, ReleaseError, examination, journal, stage, trial
from tests.edge.release import units
from tests.edge.release.conftest import Unit
from tools.bundle.keys import SigningKey


def staged(unit: Unit, path: Path, **facts: Any) -> int:
    return stage.stage(unit.layout, path, units.FACTS | facts, unit.image).release


@pytest.mark.parametrize(
    ("release", "changed", "said"),
    [
        (2, {"needs": {"models": ["NVIDIA Jetson*"]}}, "is for NVIDIA Jetson*, the unit is stand-in"),
        (2, {"needs": {"python": "3.20"}}, "needs Python 3.20"),
        (2, {"needs": {"disk_mb": 100_000}}, "MB of disk, 8000 are free"),
        (2, {"environments": {"jetpack": {"lock": "requirements/unit.lock"}}}, "the unit is a machine without a JetPack: pack it with"),
        (1, {"version": "2"}, "another bundle was release 1 here"),
    ],
)
def test_what_does_not_fit_is_refused_and_taken_away(unit: Unit, release: int, changed: dict[str, Any], said: str) -> None:
    path = units.bundle(unit.folder, release, unit.key, **changed)
    with pytest.raises(RefusedError, match=said.replace("*", r"\*")):
        staged(unit, path)
    assert not path.exists() and [each.name for each in unit.layout.releases.iterdir()] == ["1"]


def test_an_older_one_is_refused(unit: Unit) -> None:
    unit.update(units.bundle(unit.folder, 5, unit.key))
    with pytest.raises(RefusedError, match="release 4 is older than 5"):
        staged(unit, units.bundle(unit.folder, 4, unit.key))


def test_a_stranger_s_and_an_unsigned_one_are_refused(unit: Unit, tmp_path: Path) -> None:
    stranger: SigningKey = units.key(tmp_path, "stranger")
    for signer, said in ((stranger, "not trusted"), (None, "not signed")):
        with pytest.raises(RefusedError, match=said):
            staged(unit, units.bundle(unit.folder, 2, signer))


def test_the_same_bundle_twice_is_no_work(unit: Unit) -> None:
    assert staged(unit, units.bundle(unit.folder, 2, unit.key)) == 2
    before = (unit.layout.release(2) / "config.yaml").stat().st_ino
    assert staged(unit, units.bundle(unit.folder, 2, unit.key)) == 2
    assert (unit.layout.release(2) / "config.yaml").stat().st_ino == before


def test_a_staged_release_that_was_changed_on_disk_is_laid_anew(unit: Unit) -> None:
    staged(unit, units.bundle(unit.folder, 2, unit.key))
    (unit.layout.release(2) / "config.yaml").write_text("changed: true\n")
    staged(unit, units.bundle(unit.folder, 2, unit.key))
    assert (unit.layout.release(2) / "config.yaml").read_bytes() == units.files()["config.yaml"]


def test_a_release_in_use_is_never_written_to(unit: Unit) -> None:
    (unit.layout.release(1) / "config.yaml").write_text("changed: true\n")
    with pytest.raises(RefusedError, match="release 1 is in use here and differs"):
        staged(unit, units.bundle(unit.folder, 1, unit.key))


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({"exact": 3, "other": ["crop-00.png: read nothing, expected 51F12345"]}, r"3 of 4 plates read right, expected 4 \(crop-00"),
        ({"agreeing": 2}, "2 of 4 pictures read as where it was packed, expected 3"),
        ({"ms": 2500.0}, "2500 ms a picture, expected 100 at most"),
    ],
)
def test_a_release_that_fails_its_self_test_is_blocked(unit: Unit, report: dict[str, Any], said: str) -> None:
    content = units.files(**report)
    staged(unit, units.bundle(unit.folder, 2, unit.key, content))
    with pytest.raises(RefusedError, match=f"self-test failed: {said}"):
        examination.examine(unit.layout, 2)
    known = journal.load(unit.layout.journal)
    assert [entry.release for entry in known.blocked.values()] == [2] and units.whole(unit.layout) == 1
    with pytest.raises(RefusedError, match="blocklist: self-test failed"):
        staged(unit, units.bundle(unit.folder, 2, unit.key, content))


@pytest.mark.parametrize(
    ("script", "said"), [("exit 7", "ended with 7"), ("exec sleep 60", "had not ended after 0.5 s"), ("echo no", "expected a report")]
)
def test_a_self_test_that_breaks_down_is_a_failure(unit: Unit, script: str, said: str) -> None:
    staged(unit, units.bundle(unit.folder, 2, unit.key))
    (unit.image / "bin/python").write_text(f"#!/bin/sh\n{script}\n")
    with pytest.raises(RefusedError, match=said):
        examination.examine(unit.layout, 2, timeout_s=0.5 if "sleep" in script else 60)


def test_what_was_kept_once_is_not_blocked_by_a_busy_machine(unit: Unit) -> None:
    (unit.image / "bin/python").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(RefusedError, match="self-test failed"):
        examination.examine(unit.layout, 1)
    assert journal.load(unit.layout.journal).blocked == {}


def test_a_release_that_was_not_examined_is_not_tried(unit: Unit) -> None:
    staged(unit, units.bundle(unit.folder, 2, unit.key))
    with pytest.raises(RefusedError, match="has not passed its self-test here"):
        trial.activate(unit.layout, unit.services, 2)
    with pytest.raises(ReleaseError, match="there is no release 7"):
        trial.activate(unit.layout, unit.services, 7)


def test_an_environment_is_shared_and_goes_with_its_last_release(unit: Unit) -> None:
    assert len(list(unit.layout.environments.glob("*.done"))) == 1
    unit.update(units.bundle(unit.folder, 2, unit.key))
    assert len(list(unit.layout.environments.glob("*.done"))) == 1, "the lock is the same"
    other = units.files() | {"requirements/unit.lock": b"# something else is pinned\n"}
    for number in (3, 4):
        unit.update(units.bundle(unit.folder, number, unit.key, other))
    assert len(list(unit.layout.environments.glob("*.done"))) == 1 and units.whole(unit.layout) == 4
