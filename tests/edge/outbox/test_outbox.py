"""The outbox: what it has accepted is there, whatever happens to the process, the file or the disk."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge.events import EventError
from edge.outbox import Outbox, OutboxError, OutboxLimits, Row
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    opened = Outbox(path, IDENTITY)
    yield opened
    opened.close()


def ids(rows: list[Row]) -> list[str]:
    return [json.loads(row.body)["id"] for row in rows]


def waiting(path: Path) -> list[str]:
    outbox = Outbox(path, IDENTITY)
    try:
        return ids(outbox.fresh(0, 100_000))
    finally:
        outbox.close()


def test_accepted_events_wait_in_their_order(outbox: Outbox) -> None:
    accepted = [outbox.accept(plate_event(track=track)) for track in range(5)]
    assert ids(outbox.fresh(0, 100)) == accepted
    assert ids(outbox.fresh(2, 2)) == accepted[2:4]
    assert [row.topic for row in outbox.fresh(0, 1)] == ["gate/plate"]
    assert outbox.state.backlog == outbox.state.accepted == outbox.state.last_sequence == 5


def test_acknowledged_events_are_gone_and_the_others_are_not(outbox: Outbox, path: Path) -> None:
    accepted = [outbox.accept(plate_event()) for _ in range(4)]
    outbox.acknowledge([1, 3])
    assert ids(outbox.fresh(0, 100)) == [accepted[1], accepted[3]]
    assert (outbox.state.backlog, outbox.state.acknowledged) == (2, 2)
    outbox.acknowledge([1, 3, 99])  # again, and one that never was: no count goes astray
    outbox.fresh(0, 1)
    assert (outbox.state.backlog, outbox.state.acknowledged) == (2, 2)
    outbox.close()
    assert waiting(path) == [accepted[1], accepted[3]]


def test_refused_events_go_behind_all_others(outbox: Outbox) -> None:
    for _ in range(4):
        outbox.accept(plate_event())
    outbox.refuse([1, 2])
    outbox.refuse([1])
    assert [row.sequence for row in outbox.fresh(0, 100)] == [3, 4]
    assert [(row.sequence, row.tries) for row in outbox.refused(100)] == [(2, 1), (1, 2)]
    assert outbox.state.backlog == 4


def test_sequences_are_never_reused_and_the_uuid_stays(path: Path) -> None:
    first = Outbox(path, IDENTITY)
    for _ in range(3):
        first.accept(plate_event())
    first.acknowledge([1, 2, 3])
    first.close()
    second = Outbox(path, IDENTITY)
    assert second.accept(plate_event()) == f"kerb-01-{first.state.uuid}-4"
    assert (second.state.run, second.state.backlog) == (2, 1)
    second.close()


def test_close_is_idempotent_and_ends_what_waits(outbox: Outbox) -> None:
    outbox.accept(plate_event())
    outbox.close()
    outbox.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "outbox"]
    with pytest.raises(OutboxError, match="closed"):
        outbox.accept(plate_event())
    with pytest.raises(OutboxError, match="closed"):
        outbox.acknowledge([1])


def test_events_accepted_at_once_share_commits(outbox: Outbox) -> None:
    """Thirty-two threads: each id once, no gap; the outbox hears of fewer groups than there are events."""
    groups: list[int] = []
    outbox.on_accepted = lambda: groups.append(1)
    with ThreadPoolExecutor(32) as pool:
        accepted = list(pool.map(lambda track: outbox.accept(plate_event(track=track)), range(640)))
    assert len(set(accepted)) == 640
    assert sorted(ids(outbox.fresh(0, 1000))) == sorted(accepted)
    assert outbox.state.last_sequence == 640
    assert len(groups) < 640


def test_an_event_without_a_json_form_is_refused_and_takes_no_sequence(outbox: Outbox) -> None:
    outbox.accept(plate_event())
    with pytest.raises(EventError, match="height_px"):
        outbox.accept(plate_event(height_px=float("nan")))
    assert outbox.accept(plate_event()).endswith("-2")


@pytest.mark.parametrize("threads", [1, 16])
def test_kill_9_loses_no_accepted_event(path: Path, threads: int) -> None:
    seen: list[str] = []
    for _ in range(3):
        command = [sys.executable, "-m", "tests.edge.outbox.accepting", str(path), str(threads)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            read = [process.stdout.readline() for _ in range(40)]
            process.kill()
            read += process.stdout.readlines()
        seen += [line.strip() for line in read if line.endswith("\n")]
    found = waiting(path)
    assert len(seen) >= 120
    assert set(seen) <= set(found)
    assert len(set(found)) == len(found)


def test_no_second_process_takes_the_same_outbox(outbox: Outbox, path: Path) -> None:
    with pytest.raises(OutboxError, match=r"locked.*another daemon"):
        Outbox(path, IDENTITY)
    outbox.accept(plate_event())


def test_a_full_outbox_says_so_keeps_what_it_has_and_goes_on_when_there_is_room(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    outbox = Outbox(path, IDENTITY, OutboxLimits(size_mb=1, when_full="refuse_new"))
    accepted = 0
    with pytest.raises(OutboxError, match="full"), caplog.at_level(logging.WARNING):
        for accepted in range(2000):  # noqa: B007
            outbox.accept(plate_event())
    assert accepted > 100
    with pytest.raises(OutboxError, match="full"):
        outbox.accept(plate_event())
    assert outbox.state.backlog == outbox.state.accepted == accepted
    assert outbox.state.rejected == 2
    assert len([record for record in caplog.records if "full" in record.message]) == 1
    outbox.acknowledge(range(1, 51))
    outbox.accept(plate_event())
    assert outbox.state.backlog == accepted - 50 + 1
    outbox.check()
    outbox.close()


def test_a_damaged_file_is_set_aside_and_a_new_outbox_begins(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = Outbox(path, IDENTITY)
    for _ in range(200):
        first.accept(plate_event())
    first.close()
    with path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xa5" * 40_000)
    second = Outbox(path, IDENTITY)
    assert second.state.uuid != first.state.uuid
    assert second.state.backlog == 0
    assert second.accept(plate_event()).endswith("-1")
    assert len(list(path.parent.glob("outbox.db.damaged-*"))) >= 1
    assert "set aside" in caplog.text
    second.close()


@pytest.mark.parametrize("content", [b"not a database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_set_aside(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    outbox = Outbox(path, IDENTITY)
    outbox.accept(plate_event())
    assert [aside.read_bytes() for aside in path.parent.glob("*.damaged-*")] == [content]
    outbox.close()


def test_a_place_where_nothing_can_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutboxError, match="cannot be opened"):
        Outbox(tmp_path / "file" / "outbox.db", IDENTITY)
    with pytest.raises(OutboxError, match="cannot be opened"):
        Outbox(tmp_path, IDENTITY)


def test_an_outbox_of_a_newer_version_is_left_alone(path: Path) -> None:
    Outbox(path, IDENTITY).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(OutboxError, match="newer Kerbside"):
        Outbox(path, IDENTITY)
    assert not list(path.parent.glob("*.damaged-*"))


def test_the_failure_of_its_thread_reaches_everybody(outbox: Outbox) -> None:
    """Something nobody thought of, on the outbox's thread: who waits is told, who asks later is told, and `failure` says what it was."""

    def broken() -> None:
        raise ZeroDivisionError("broken")

    outbox.on_accepted = broken
    outbox.accept(plate_event())  # committed before the failure: true to its word
    until(lambda: outbox.failure, "the failure")
    with pytest.raises(OutboxError, match="broken"):
        outbox.accept(plate_event())
    with pytest.raises(OutboxError, match="broken"):
        outbox.check()
    outbox.close()


def test_a_disk_that_hangs_costs_its_caller_a_bounded_time(path: Path) -> None:
    outbox = Outbox(path, IDENTITY, OutboxLimits(timeout_s=0.2, waiting=1))
    release = threading.Event()
    outbox.on_accepted = lambda: release.wait(10) and None  # the outbox's thread stands still, as on a card that does not answer
    outbox.accept(plate_event())
    started = time.monotonic()
    with pytest.raises(OutboxError, match=r"no answer in 0 s, it was not begun"):
        outbox.accept(plate_event())
    with pytest.raises(OutboxError, match="hanging"):
        outbox.accept(plate_event())
    assert time.monotonic() - started < 5
    release.set()
    until(lambda: outbox.fresh(0, 10), "work again")
    assert outbox.state.backlog == 1  # what was reported as not stored is not stored
    outbox.close()
