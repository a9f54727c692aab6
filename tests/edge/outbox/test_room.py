"""What goes when room or time is over: delivered events first, never in silence."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.outbox import Outbox, OutboxError, OutboxLimits
from edge.outbox.room import Reserve
from tests.edge.plates import IDENTITY, plate_event
from tests.edge.waiting import until

Open = Callable[..., Outbox]
DAY_S = 86_400.0


@pytest.fixture
def open_outbox(tmp_path: Path) -> Iterator[Open]:
    opened: list[Outbox] = []

    def start(**limits: object) -> Outbox:
        opened.append(Outbox(tmp_path / "outbox.db", IDENTITY, OutboxLimits(**limits)))  # type: ignore[arg-type]
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def age(path: Path, days: float) -> None:
    """Make every event of a closed outbox older."""
    with sqlite3.connect(path) as db:
        db.execute("UPDATE event SET accepted_utc_s = accepted_utc_s - ?", (days * DAY_S,))
    db.close()


def filled(outbox: Outbox, count: int) -> None:
    for track in range(count):
        outbox.accept(plate_event(track=track))


def test_delivered_events_give_way_before_any_that_waits(open_outbox: Open) -> None:
    outbox = open_outbox(size_mb=1)
    filled(outbox, 200)
    outbox.acknowledge(range(1, 151))
    filled(outbox, 150)
    state = outbox.state
    assert (state.backlog, state.expired_by_size) == (200, 0)
    assert state.pruned > 0
    assert state.kept == 150 - state.pruned


def test_the_oldest_that_wait_go_when_nothing_else_can_and_are_counted_for_ever(open_outbox: Open) -> None:
    outbox = open_outbox(size_mb=1)
    filled(outbox, 500)
    state = outbox.state
    assert state.expired_by_size > 0
    assert state.backlog == 500 - state.expired_by_size
    assert outbox.fresh(0, 1)[0].sequence == state.expired_by_size + 1
    outbox.close()
    assert open_outbox(size_mb=1).state.expired_by_size == state.expired_by_size


def test_dead_letters_give_way_before_any_that_waits(open_outbox: Open) -> None:
    outbox = open_outbox(size_mb=1, most_refusals=1)
    filled(outbox, 200)
    outbox.refuse(range(1, 151))
    filled(outbox, 150)
    state = outbox.state
    assert (state.dead, state.expired_by_size) == (150, 0)
    assert state.dead_letters == 150 - state.dropped_dead < 150


def test_events_too_old_expire_and_are_counted(open_outbox: Open) -> None:
    outbox = open_outbox()
    filled(outbox, 5)
    outbox.close()
    age(outbox.path, 3)
    again = open_outbox(expire_days=2)
    until(lambda: again.state.expired_by_age == 5, "the old ones gone")
    filled(again, 1)
    assert again.state.backlog == 1


def test_delivered_events_stay_for_their_days(open_outbox: Open) -> None:
    outbox = open_outbox()
    filled(outbox, 5)
    outbox.acknowledge([1, 2, 3])
    outbox.close()
    age(outbox.path, 8)
    again = open_outbox(keep_days=7)
    until(lambda: again.state.pruned == 3, "the delivered ones gone")
    assert (again.state.kept, again.state.backlog) == (0, 2)


def test_an_event_of_before_the_clock_was_set_has_no_age(open_outbox: Open) -> None:
    """A board without a battery wakes up in 1970: what it read before it heard the time must not expire when it does."""
    outbox = open_outbox()
    filled(outbox, 2)
    outbox.close()
    age(outbox.path, time.time() / DAY_S)
    again = open_outbox(expire_days=2)
    filled(again, 1)
    time.sleep(1.2)  # two looks at what is too old
    assert (again.state.backlog, again.state.expired_by_age) == (3, 0)


def test_no_room_kept_for_a_replay_is_none_kept(open_outbox: Open) -> None:
    outbox = open_outbox(keep_days=0)
    filled(outbox, 3)
    outbox.acknowledge([1, 2, 3])
    until(lambda: outbox.state.acknowledged == 3, "the acknowledgement")
    assert outbox.state.kept == outbox.replay(0, time.time() + 1) == 0


def test_who_wants_no_expiry_is_refused_instead(open_outbox: Open) -> None:
    outbox = open_outbox(size_mb=1, when_full="refuse_new")
    with pytest.raises(OutboxError, match=r"outbox\.size_mb"):
        filled(outbox, 500)
    assert outbox.state.expired_by_size == 0
    assert "outbox.size_mb" in outbox.state.trouble


def test_a_reserve_takes_space_and_gives_it_back(tmp_path: Path) -> None:
    file = tmp_path / "reserve"
    reserve = Reserve(file)
    assert reserve.take() and file.stat().st_blocks * 512 >= 4 << 20
    reserve.release()
    assert not reserve.held and not file.exists()
    assert not Reserve(tmp_path / "no" / "such" / "folder").take()
