"""Announcements: one after another, and given up where they end the connection."""

from __future__ import annotations

from typing import Any, cast

from edge.mqtt.announcing import GIVE_UP, HELD_S, Announcing
from edge.mqtt.connection import Connection
from edge.mqtt.message import Message

TOLD = (Message("a", b"1", retain=True), Message("b", b"", retain=True))


class Link:
    """Takes messages of up to three bytes."""

    maximum_packet_size = 3

    def __init__(self) -> None:
        self.published: list[Any] = []

    def fits(self, topic: str, payload: bytes) -> bool:
        return len(payload) <= 3

    def publish(self, *message: Any) -> int:
        self.published.append(message)
        return len(self.published)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def everything(announcing: Announcing) -> list[Any]:
    link = Link()
    announcing.begin()
    for _ in range(5):
        announcing.publish(cast(Connection, link))
    return link.published


def test_each_is_published_once_a_connection() -> None:
    announcing = Announcing(lambda: TOLD)
    assert everything(announcing) == [("a", b"1", 1, True), ("b", b"", 1, True)] == everything(announcing)


def test_one_that_is_too_large_keeps_no_other_back() -> None:
    assert everything(Announcing(lambda: (Message("a", b"1234"), TOLD[1]))) == [("b", b"", 1, True)]


def test_where_they_end_the_connection_they_are_given_up_and_tried_again_later() -> None:
    clock = Clock()
    announcing = Announcing(lambda: TOLD, clock)
    for _ in range(GIVE_UP):
        assert everything(announcing)
        clock.now += 1  # and the broker hangs up
    assert everything(announcing) == []
    clock.now += HELD_S + 1
    announcing.publish(cast(Connection, Link()))  # this connection holds
    assert everything(announcing) != []
