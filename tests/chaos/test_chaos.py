"""The quick forms of the chaos commands: the same code with fewer events. `python -m tests.chaos …` runs the long ones."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.chaos import disk, drain, holdup, kills, points, report
from tests.chaos.__main__ import main
from tests.chaos.crash import PLACES
from tests.edge.mqtt.mosquitto import needs_mosquitto

needs_compiler = pytest.mark.skipif(disk.COMPILER is None, reason="no C compiler on this machine (apt-get install gcc)")
pytestmark = needs_mosquitto


def test_kills_of_broker_and_unit_lose_nothing_that_the_consumer_acknowledges(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command itself. How many come twice is for its long form to say: here a machine may be busy."""
    file = tmp_path / "kills.csv"
    main(["kills", "--events", "400", "--broker", "1", "--unit", "2", "--seeds", "7", "--csv", str(file), "--conditions", "a test"])
    with file.open(newline="") as lines:
        (found,) = csv.DictReader(lines)
    assert (found["lost"], found["under_two_ids"]) == ("0", "0")
    assert int(found["accepted"]) >= 400
    assert found["conditions"].startswith("a test; ")
    assert "of 1 passed" in capsys.readouterr().out


def test_kills_of_broker_and_unit_lose_nothing_that_only_the_broker_acknowledges(tmp_path: Path) -> None:
    """It keeps no state, and nobody tells the unit what came: what had not settled is sent again."""
    found = kills.run(tmp_path, 3, kills.Plan(400, broker_kills=2, unit_kills=1, rate=150, consumer_ack=False, silent=True))
    assert (found.lost, found.under_two_ids, found.passed) == (0, 0, True)
    assert found.accepted >= 400


def test_kills_of_the_consumer_lose_nothing(tmp_path: Path) -> None:
    found = kills.run(tmp_path, 5, kills.Plan(400, consumer_kills=2, rate=150))
    assert (found.lost, found.under_two_ids) == (0, 0)
    assert found.accepted >= 400


@pytest.mark.parametrize(
    "place",
    [
        "inserted, not committed",
        "after publish",
        "ack in the transaction, not committed",
        "settled, not committed",
        "recalled, not committed",
        "replayed, not committed",
        "a dead letter, not committed",
        "set aside, nothing in its place",
    ],
)
def test_a_unit_that_dies_at_a_labelled_place_loses_nothing(tmp_path: Path, place: str) -> None:
    found = points.run(tmp_path, place, times=min(2, max(PLACES[place].times)), events=150)
    assert (found.lost, found.under_two_ids) == (0, 0)
    assert found.accepted > 0


def test_a_backlog_leaves_in_full(tmp_path: Path) -> None:
    """How fast is for the command to say: here a machine may be busy."""
    found = drain.run(tmp_path, 1500)
    assert found.lost == 0
    assert found.growth_mib < drain.SMALL


@pytest.mark.parametrize("name", ["never acknowledged by the broker", "never acknowledged by the consumer", "quota"])
def test_what_nobody_takes_holds_nothing_up(tmp_path: Path, name: str) -> None:
    found = holdup.run(tmp_path, name, seconds=4)
    assert found.passed, found


@needs_compiler
@pytest.mark.parametrize("fault", ["ENOSPC", "EIO", "EROFS from the start"])
def test_a_disk_that_fails_is_outlived_and_counted(tmp_path: Path, fault: str) -> None:
    found = disk.run(tmp_path, fault, seconds=1)
    assert found.alive
    assert found.counters_exact, found
    assert (found.lost, found.rejected > 0) == (0, True)


@pytest.mark.skipif(not disk.may_mount(), reason="no tmpfs may be mounted here")
def test_a_disk_that_is_really_full_is_outlived_and_counted(tmp_path: Path) -> None:
    found = disk.run(tmp_path, disk.MOUNTED, seconds=1)
    assert found.alive and found.counters_exact, found
    assert (found.lost, found.rejected > 0) == (0, True)


def test_a_table_and_a_csv_say_the_same(tmp_path: Path) -> None:
    results = [
        points.Point("after commit", 1, "broker", 10, 0, 0, 1, 0, 2),
        points.Point("after publish", 20, "consumer", 100, 3, 0, 0, 0, 4),
    ]
    assert report.table(results).splitlines()[2].split() == ["after", "publish", "20", "consumer", "100", "3", "0", "0", "0", "4"]
    report.write_csv(tmp_path / "points.csv", results, "a machine")
    assert (tmp_path / "points.csv").read_text().splitlines()[2] == "a machine,after publish,20,consumer,100,3,0,0,0,4"
    assert [result.passed for result in results] == [True, False]
