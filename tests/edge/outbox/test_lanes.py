"""What becomes of an event that is not simply delivered: refused, dead, sent again; and of an outbox of an earlier version or a bad one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.outbox import Outbox, OutboxError, OutboxLimits
from edge.outbox.store import Store
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until

SOON = 4e9
FIRST_VERSION = """
    CREATE TABLE meta (uuid TEXT NOT NULL, run INTEGER NOT NULL) STRICT;
    CREATE TABLE event (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, body BLOB NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0, accepted_utc_s REAL NOT NULL
    ) STRICT;
    CREATE INDEX event_by_tries ON event (tries, sequence);
    INSERT INTO meta VALUES ('0f', 3);
    INSERT INTO event (topic, body, tries, accepted_utc_s) VALUES ('gate/plate', X'7b7d', 0, 1.8e9), ('gate/plate', X'7b7d', 2, 1.8e9);
    PRAGMA user_version = 1;
"""


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "outbox.db", IDENTITY, OutboxLimits(most_refusals=3))
    yield opened
    opened.close()


def test_what_is_refused_too_often_is_dead_and_can_be_revived(outbox: Outbox) -> None:
    accepted = [outbox.accept(plate_event()) for _ in range(3)]
    for _ in range(3):
        outbox.refuse([2], "Not authorized")
    assert outbox.refused(10) == []
    state = outbox.state
    assert (state.backlog, state.dead, state.dead_letters) == (2, 1, 1)
    assert outbox.revive(0, SOON) == 1
    (row,) = outbox.replays(10)
    assert json.loads(row.body)["id"] == accepted[1]
    outbox.acknowledge([2])
    outbox.fresh(0, 1)
    state = outbox.state
    assert (state.backlog, state.dead, state.dead_letters, state.replayed) == (2, 1, 0, 1)


def test_what_nobody_heard_never_dies(outbox: Outbox) -> None:
    outbox.accept(plate_event())
    for _ in range(30):
        outbox.postpone([1])
    (row,) = outbox.refused(10)
    assert (row.tries, outbox.state.dead) == (30, 0)


def test_a_replay_is_of_delivered_events_of_its_time_and_in_order(outbox: Outbox, tmp_path: Path) -> None:
    for _ in range(6):
        outbox.accept(plate_event())
    outbox.acknowledge([1, 2, 3, 4, 5])
    outbox.close()
    with sqlite3.connect(outbox.path) as db:
        db.execute("UPDATE event SET accepted_utc_s = 1.8e9 + sequence")
    db.close()
    again = Outbox(outbox.path, IDENTITY)
    assert again.replay(1.8e9 + 2, 1.8e9 + 4) == 3
    assert [row.sequence for row in again.replays(10)] == [2, 3, 4]
    assert (again.state.backlog, again.state.kept, again.state.replayed) == (4, 2, 3)
    assert [row.sequence for row in again.fresh(0, 10)] == [6]
    again.close()


def test_a_replay_of_more_than_one_bite(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.outbox.outbox.REPLAY_BITE", 4)
    for _ in range(10):
        outbox.accept(plate_event())
    outbox.acknowledge(range(1, 11))
    assert outbox.replay(0, SOON) == 10
    assert len(outbox.replays(100)) == 10


def test_an_outbox_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with sqlite3.connect(path) as db:
        db.executescript(FIRST_VERSION)
    db.close()
    outbox = Outbox(path, IDENTITY)
    assert (outbox.state.uuid, outbox.state.run, outbox.state.backlog) == ("0f", 4, 2)
    assert [row.sequence for row in outbox.fresh(0, 10)] == [1]
    assert [(row.sequence, row.tries) for row in outbox.refused(10)] == [(2, 2)]
    assert outbox.accept(plate_event()) == "kerb-01-0f-3"
    outbox.close()


def test_a_database_found_damaged_in_use_is_set_aside_without_a_crash(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One that the check at the start calls sound: left to the service manager, it would end the daemon at every start."""
    outbox.accept(plate_event())
    before = outbox.state

    def malformed(store: Store, *args: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "insert", malformed)
        with pytest.raises(OutboxError, match="malformed"):
            outbox.accept(plate_event())
    after = outbox.state
    assert after.uuid != before.uuid
    assert (after.damaged, after.set_aside, after.backlog) == (1, 1, 0)
    assert "set aside with 1 events" in after.alarm
    assert outbox.accept(plate_event()).endswith(f"{after.uuid}-{before.last_sequence + 1}")  # no sequence of before: acks may be under way
    outbox.check()
    assert [path for path in tmp_path.glob("outbox.db.damaged-*") if not path.name.endswith(("-wal", "-shm"))]


def test_wrecks_do_not_pile_up(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    for number in range(6):
        path.write_bytes(b"not a database" * 100 + bytes([number]))
        Outbox(path, IDENTITY).close()
    assert len([wreck for wreck in tmp_path.glob("*.damaged-*") if not wreck.name.endswith(("-wal", "-shm"))]) <= 10


def test_acknowledgements_that_the_disk_did_not_take_are_stored_when_it_does(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        outbox.accept(plate_event())

    def failing(store: Store, *args: object) -> int:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "finish", failing)
        outbox.acknowledge([1, 2])
        until(lambda: "I/O" in outbox.state.trouble, "the trouble")
        assert outbox.state.acknowledged == 0
    until(lambda: outbox.state.acknowledged == 2, "the acknowledgement, after all")
    assert (outbox.state.backlog, outbox.state.trouble, outbox.state.run) == (2, "", 1)


def test_a_disk_that_fails_is_asked_again_and_no_sequence_is_used_twice(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    first = outbox.accept(plate_event())

    def failing(store: Store) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "commit", failing)
        for _ in range(3):
            with pytest.raises(OutboxError, match="I/O"):
                outbox.accept(plate_event())
    until(lambda: not outbox.state.trouble, "the disk")
    assert [first, outbox.accept(plate_event())] == [json.loads(row.body)["id"] for row in outbox.fresh(0, 10)]
    state = outbox.state
    assert (state.accepted, state.rejected, state.backlog, state.run) == (2, 3, 2, 1)


def test_an_event_said_to_be_lost_that_was_stored_is_counted_as_rescued(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed fsync does not say whether the commit is on the disk; SQLite finds it there when it opens the log again."""
    sound = Store.commit
    outbox.accept(plate_event())

    def committed_after_all(store: Store) -> None:
        sound(store)
        if store.last_sequence() == 2:
            raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "commit", committed_after_all)
        with pytest.raises(OutboxError):
            outbox.accept(plate_event())
    until(lambda: not outbox.state.trouble, "the disk")
    state = outbox.state
    assert (state.accepted, state.rejected, state.rescued, state.backlog) == (1, 1, 1, 2)
    assert len(outbox.fresh(0, 10)) == 2
