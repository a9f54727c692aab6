"""An event of several messages: when it is answered, and how."""

from __future__ import annotations

import pytest

from edge.mqtt.bundles import NOBODY_LISTENS, REFUSED, Bundles
from edge.mqtt.connection import Ack
from edge.mqtt.message import Message
from edge.outbox import Row

ROW = Row(7, "gate/plate", b"{}", 0)
HIT = Message("hit", b"h", wanted=True)
SHAPE = Message("shape", b"s")
TAKEN = 0


def sent(*messages: Message) -> Bundles:
    """The event is message 1, its companions 2, 3 and so on."""
    bundles = Bundles()
    bundles.begin(ROW, 1, messages)
    for mid, message in enumerate(messages, 2):
        assert bundles.next() == (ROW, message)
        bundles.sent(ROW, mid, message)
    assert bundles.next() is None
    return bundles


def answers(bundles: Bundles, *codes: int) -> list[int | None]:
    """To messages 1, 2, 3 …"""
    found = []
    for mid, code in enumerate(codes, 1):
        ack = bundles.answered(ROW, Ack(mid, code, str(code)))
        found.append(None if ack is None else ack.code)
    return found


def test_an_event_alone_is_answered_at_once() -> None:
    assert answers(sent(), TAKEN) == [TAKEN]


def test_it_is_not_done_before_all_that_goes_with_it() -> None:
    assert answers(sent(HIT, SHAPE), TAKEN, TAKEN, TAKEN) == [None, None, TAKEN]


def test_it_is_not_done_while_something_of_it_is_unsent() -> None:
    bundles = Bundles()
    bundles.begin(ROW, 1, [SHAPE])
    assert bundles.answered(ROW, Ack(1, TAKEN, "")) is None
    assert [row.sequence for row in bundles.unsent] == [7]
    assert bundles.next() == (ROW, SHAPE)
    bundles.sent(ROW, 2, SHAPE)
    assert bundles.answered(ROW, Ack(2, TAKEN, "")) == Ack(1, TAKEN, "")


@pytest.mark.parametrize(
    ("own", "hit", "shape", "together"),
    [
        (TAKEN, TAKEN, NOBODY_LISTENS, TAKEN),
        (NOBODY_LISTENS, TAKEN, TAKEN, TAKEN),  # somebody has it, in another shape
        (NOBODY_LISTENS, NOBODY_LISTENS, NOBODY_LISTENS, NOBODY_LISTENS),
        (TAKEN, NOBODY_LISTENS, TAKEN, NOBODY_LISTENS),  # a hit that nobody heard
        (TAKEN, TAKEN, REFUSED, TAKEN),  # an adapter that may not publish costs no event
        (REFUSED, TAKEN, TAKEN, REFUSED),
        (TAKEN, REFUSED, TAKEN, REFUSED),
    ],
)
def test_the_answers_make_one(own: int, hit: int, shape: int, together: int) -> None:
    assert answers(sent(HIT, SHAPE), own, hit, shape)[-1] == together


def test_what_is_still_answered_of_an_event_given_up_says_nothing() -> None:
    bundles = sent(SHAPE)
    bundles.forget(7)
    assert bundles.answered(ROW, Ack(2, TAKEN, "")) is None
    assert bundles.answered(ROW, Ack(1, TAKEN, "")) == Ack(1, TAKEN, "")  # but the event itself has arrived


def test_a_late_answer_to_the_first_sending_counts_for_no_later_one() -> None:
    bundles = sent(SHAPE)
    bundles.forget(7)
    bundles.begin(ROW, 11, [SHAPE])
    assert bundles.next() == (ROW, SHAPE)
    bundles.sent(ROW, 12, SHAPE)
    assert bundles.answered(ROW, Ack(2, TAKEN, "")) is None
    assert bundles.answered(ROW, Ack(11, TAKEN, "")) is None
    assert bundles.answered(ROW, Ack(12, TAKEN, "")) == Ack(11, TAKEN, "")


def test_with_the_connection_everything_goes() -> None:
    bundles = Bundles()
    bundles.begin(ROW, 1, [SHAPE])
    bundles.clear()
    assert bundles.next() is None and list(bundles.unsent) == []
