"""How much is sent and when something is tried again, by known answers."""

from __future__ import annotations

import numpy as np

from edge.mqtt.pacing import RETRY_MOST_S, Backoff, Retries, Window
from edge.outbox import Row


def row(sequence: int, tries: int = 0) -> Row:
    return Row(sequence, "gate/plate", b"{}", tries)


def test_waits_double_up_to_the_longest_and_are_shortened_at_random() -> None:
    backoff = Backoff(1, 10, np.random.default_rng(1))
    waits = [backoff.wait_s() for _ in range(8)]
    for wait, longest in zip(waits, [1, 2, 4, 8, 10, 10, 10, 10], strict=True):
        assert longest / 2 <= wait <= longest
    assert len(set(waits)) == 8
    backoff.reset()
    assert backoff.wait_s() <= 1


def test_the_window_is_the_smaller_of_ours_and_the_brokers() -> None:
    window = Window(100)
    window.open(20)
    assert window.room == 20
    window.sent(1, row(1), 0)
    window.sent(2, None, 0)  # a birth or a crop takes room as well
    assert (window.room, window.in_flight) == (18, 2)
    assert window.answered(1, 0) == row(1)
    assert window.answered(2, 0) is None
    assert window.answered(77, 0) is None
    window.open(65535)
    for mid in range(200):
        window.sent(mid, row(mid), 0)
        window.answered(mid, 0)
    assert window.room == 100


def test_after_a_loss_one_goes_alone_and_the_one_lost_alone_is_the_culprit() -> None:
    window = Window(100)
    window.open(100)
    for mid in (1, 2, 3):
        window.sent(mid, row(mid), 0)
    assert window.lost() is None  # any of three
    assert window.room == 1
    window.sent(4, row(1), 0)
    window.answered(4, 0)
    assert window.room == 2  # and so on, up to the full window
    window.sent(5, row(2), 0)
    window.sent(6, row(3), 0)
    assert window.lost() is None
    window.sent(7, row(2), 0)
    assert window.lost() == row(2)


def test_an_event_in_flight_when_the_network_goes_is_not_blamed() -> None:
    window = Window(100)
    window.sent(1, row(1), 0)
    assert window.lost() is None


def test_a_retried_event_that_ends_the_connection_is_blamed_and_slows_nothing_down() -> None:
    window = Window(100)
    window.sent(1, row(1, tries=1), 0)
    assert window.lost() == row(1, tries=1)
    assert window.room == 100


def test_an_event_passed_over_is_given_up_and_its_place_stays_taken() -> None:
    """Fifteen events that a broker never acknowledged: each cost the connection, and what came after them waited two minutes."""
    window = Window(4)
    window.open(4)
    for mid in (1, 2, 3):
        window.sent(mid, row(mid), mid)
    assert window.answered(2, 4) == row(2)
    assert window.overlooked(10, 10) == []  # not yet
    assert window.overlooked(12, 10) == [row(1)]  # and 3 was sent after the one that was answered
    assert (window.room, window.in_flight, window.clogged) == (2, 1, False)
    assert window.answered(1, 13) == row(1)  # late, but it has come
    assert window.room == 3
    for mid in (4, 5, 6):
        window.sent(mid, row(mid), 14)
    window.sent(7, None, 15)
    window.answered(7, 16)
    assert window.overlooked(30, 10) == [row(3), row(4), row(5), row(6)]
    assert window.clogged
    window.lost()
    assert (window.room, window.clogged) == (4, False)


def test_how_long_the_oldest_waits() -> None:
    window = Window(100)
    assert window.waited_s(50) == 0
    window.sent(1, row(1), 10)
    window.sent(2, row(2), 20)
    assert window.waited_s(50) == window.quiet_s(50) == 40
    window.answered(1, 45)
    assert window.waited_s(50) == 30
    assert window.quiet_s(50) == 5
    window.answered(2, 46)
    assert window.waited_s(1000) == window.quiet_s(1000) == 0


def test_retries_come_later_and_later_and_all_at_once_when_one_is_taken() -> None:
    retries = Retries()
    assert retries.due(0)  # an earlier run may have left some
    retries.none_left()
    assert not retries.due(1e9)
    now, waits = 0.0, []
    for again in (False, True, True, True):
        retries.refused(now, again)
        wait = next(step for step in np.arange(0.5, 100, 0.5) if retries.due(now + step))
        waits.append(wait)
        now += wait
    assert waits == [1, 2, 4, 8]
    retries.refused(now, again=False)  # fresh ones refused meanwhile hasten nothing and delay nothing
    assert retries.due(now)
    retries.taken(now, most=100)
    assert (retries.due(now), retries.room) == (True, 2)
    for _ in range(20):
        retries.refused(now, again=True)
    assert not retries.due(now + RETRY_MOST_S - 1)
    assert retries.due(now + RETRY_MOST_S)
    assert retries.room == 1
