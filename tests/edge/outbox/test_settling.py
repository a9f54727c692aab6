"""Events that a broker has acknowledged and may yet forget: done, and not for good until they have settled."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.outbox import Outbox, OutboxLimits
from edge.outbox.database import VERSION
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until

Open = Callable[..., Outbox]
EVER = (0.0, 4e9)


@pytest.fixture
def open_outbox(tmp_path: Path) -> Iterator[Open]:
    opened: list[Outbox] = []

    def start(**limits: object) -> Outbox:
        opened.append(Outbox(tmp_path / "outbox.db", IDENTITY, OutboxLimits(**limits)))  # type: ignore[arg-type]
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def accepted(outbox: Outbox, count: int) -> list[str]:
    return [outbox.accept(plate_event(track=track)) for track in range(count)]


def to_send(outbox: Outbox) -> list[int]:
    return [row.sequence for row in outbox.fresh(0, 1000) + outbox.replays(1000)]


def test_what_has_not_settled_is_sent_again_under_the_same_id(open_outbox: Open) -> None:
    outbox = open_outbox()
    ids = accepted(outbox, 5)
    outbox.acknowledge([1, 2, 3, 4], settling=True)
    outbox.settle([1, 3])
    assert to_send(outbox) == [5]
    assert (outbox.state.backlog, outbox.state.kept) == (1, 4)
    assert outbox.recall() == 2
    assert [json.loads(row.body)["id"] for row in outbox.replays(10)] == [ids[1], ids[3]]
    assert (outbox.state.backlog, outbox.state.kept, outbox.state.recalled) == (3, 2, 2)


def test_what_was_recalled_settles_like_any_other(open_outbox: Open) -> None:
    outbox = open_outbox()
    accepted(outbox, 2)
    outbox.acknowledge([1, 2], settling=True)
    assert outbox.recall() == outbox.recall() == 2  # once more without an answer between: still two
    outbox.acknowledge([1], settling=True)
    assert outbox.recall() == 2
    outbox.acknowledge([1, 2], settling=True)
    outbox.settle([1, 2])
    assert (outbox.recall(), to_send(outbox), outbox.state.backlog, outbox.state.kept) == (0, [], 0, 2)


def test_a_unit_that_starts_again_knows_what_had_not_settled(open_outbox: Open) -> None:
    outbox = open_outbox()
    accepted(outbox, 3)
    outbox.acknowledge([1, 2], settling=True)
    outbox.settle([1])
    outbox.close()
    again = open_outbox()
    assert again.recall() == 1
    assert to_send(again) == [3, 2]


def test_who_has_an_event_for_good_settles_it_and_no_other(open_outbox: Open) -> None:
    """Anybody might say so where the access list is lax: what no broker has acknowledged stays."""
    outbox = open_outbox()
    accepted(outbox, 4)
    outbox.acknowledge([1, 2], settling=True)
    outbox.recall()
    outbox.confirm([1, 3, 99])
    assert to_send(outbox) == [3, 4, 2]
    assert (outbox.recall(), outbox.state.backlog, outbox.state.kept) == (1, 3, 1)


def test_an_acknowledgement_that_counts_at_once_ends_the_settling(open_outbox: Open) -> None:
    """The unit was started anew, and its config asks for the consumer's acknowledgement now."""
    outbox = open_outbox()
    accepted(outbox, 1)
    outbox.acknowledge([1], settling=True)
    outbox.recall()
    outbox.acknowledge([1])
    assert (outbox.recall(), outbox.state.backlog) == (0, 0)


def test_what_is_kept_for_no_replay_is_kept_until_it_has_settled(open_outbox: Open) -> None:
    outbox = open_outbox(keep_days=0)
    accepted(outbox, 3)
    outbox.acknowledge([1, 2, 3], settling=True)
    outbox.settle([1])
    time.sleep(1.2)  # two looks at what is too old
    assert outbox.state.kept == 2
    assert outbox.recall() == 2
    outbox.confirm([2])
    outbox.acknowledge([3])
    assert (to_send(outbox), outbox.state.kept, outbox.state.backlog) == ([], 0, 0)
    assert outbox.replay(*EVER) == 0


def test_where_room_is_short_what_the_broker_has_goes_before_what_it_has_not(open_outbox: Open) -> None:
    outbox = open_outbox(size_mb=1)
    accepted(outbox, 200)
    outbox.acknowledge(range(1, 151), settling=True)
    accepted(outbox, 150)
    state = outbox.state
    assert (state.backlog, state.expired_by_size) == (200, 0)
    assert state.kept == 150 - state.pruned < 150
    assert outbox.recall() == state.kept


def test_what_is_erased_is_recalled_by_nobody(open_outbox: Open) -> None:
    outbox = open_outbox()
    accepted(outbox, 2)
    outbox.acknowledge([1, 2], settling=True)
    plate = json.loads(outbox.replays(1)[0].body)["plate"] if outbox.recall() else ""
    assert outbox.erase([plate]).waiting == 2
    assert outbox.recall() == 0


def test_an_outbox_of_the_second_version_is_taken_over(open_outbox: Open, tmp_path: Path) -> None:
    first = open_outbox()
    accepted(first, 2)
    first.acknowledge([1])
    first.close()
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        db.executescript("DROP TABLE settling; PRAGMA user_version = 2;")
    db.close()
    second = open_outbox()
    assert (second.state.uuid, second.state.backlog, second.state.kept) == (first.state.uuid, 1, 1)
    second.acknowledge([2], settling=True)
    assert second.recall() == 1
    until(lambda: second.state.backlog == 1, "the one that was recalled")
    second.close()
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
    db.close()
